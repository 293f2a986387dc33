import { sql } from "kysely";
import { type Condition, notNull } from "./ranges.ts";

export type AmountRange = { min?: string | null | undefined; max?: string | null | undefined };
export type BlockRange = { min?: number | null | undefined; max?: number | null | undefined };
export type TimeRange = { from?: string | null | undefined; before?: string | null | undefined };

/** A value that was asked for; nothing for one that was left out. */
export function equal(column: string, value: string | number | null | undefined): Condition[] {
  return value == null ? [] : [notNull(column, sql`${sql.ref(column)} = ${value}`)];
}

/** One of several values; none at all for an empty list. */
export function oneOf(column: string, values: readonly string[] | null | undefined): Condition[] {
  return values == null ? [] : [sql`${sql.ref(column)} = any(${[...values]}::text[])`];
}

/** Not less than one amount, not more than another. */
export function inRange(column: string, range: AmountRange | null | undefined): Condition[] {
  const { min, max } = range ?? {};
  return [
    ...(min == null ? [] : [notNull(column, sql`${sql.ref(column)} >= ${min}::numeric`)]),
    ...(max == null ? [] : [notNull(column, sql`${sql.ref(column)} <= ${max}::numeric`)]),
  ];
}

/** From one block to another. As the column's own type: an index knows no other. */
export function inBlocks(column: string, range: BlockRange | null | undefined): Condition[] {
  const { min, max } = range ?? {};
  return [
    ...(min == null ? [] : [notNull(column, sql`${sql.ref(column)} >= ${min}::bigint`)]),
    ...(max == null ? [] : [notNull(column, sql`${sql.ref(column)} <= ${max}::bigint`)]),
  ];
}

/** From a time on, and before another: ranges that meet have no time in common. */
export function inTime(column: string, range: TimeRange | null | undefined): Condition[] {
  const { from, before } = range ?? {};
  return [
    ...(from == null ? [] : [notNull(column, sql`${sql.ref(column)} >= ${from}::numeric`)]),
    ...(before == null ? [] : [notNull(column, sql`${sql.ref(column)} < ${before}::numeric`)]),
  ];
}
