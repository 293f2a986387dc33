import { type QueryExecutorProvider, sql } from "kysely";
import { keysSql, type ParentKey } from "./keys-sql.ts";
import type { View } from "./view.ts";

/**
 * Reads rows by chain and another column in one statement.
 *
 * @returns a row for each key, null where there is none, in the order of the keys
 */
export async function rowsByKey<Row extends Record<string, unknown>>(
  db: QueryExecutorProvider,
  { view, columns, by }: { view: View<Row>; columns: readonly string[]; by: string },
  keys: readonly ParentKey[],
): Promise<(Row | null)[]> {
  const select = sql.join(columns.map((column) => sql`found.${sql.ref(column)}`));
  const { rows } = await sql<Row & { asked_at: number }>`
    select asked.asked_at, ${select}
    from ${keysSql(keys)} as asked(chain_id, name, asked_at)
    join ${sql.table(`escrow.${view.name}`)} as found
      on found.chain_id = asked.chain_id and found.${sql.ref(by)} = asked.name`.execute(db);
  const found = keys.map((): Row | null => null);
  for (const row of rows) found[row.asked_at - 1] = row;
  return found;
}
