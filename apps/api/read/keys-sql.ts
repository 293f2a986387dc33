import { type RawBuilder, sql } from "kysely";

/** Names a row, or the parent of rows: a chain and an address or an id on it. */
export type ParentKey = readonly [chainId: number, name: string];

/**
 * Keys as a table of three columns: chain, name, and the place among the keys from 1.
 *
 * A single key is a row of values, not of an array: so a plan that is kept knows that it is one.
 */
export function keysSql(keys: readonly ParentKey[]): RawBuilder<unknown> {
  const [only] = keys;
  if (only !== undefined && keys.length === 1)
    return sql`(values (${only[0]}::bigint, ${only[1]}::text, 1))`;
  const chainIds = keys.map(([chainId]) => chainId);
  const names = keys.map(([, name]) => name);
  return sql`unnest(${chainIds}::bigint[], ${names}::text[]) with ordinality`;
}
