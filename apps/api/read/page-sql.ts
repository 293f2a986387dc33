import { type RawBuilder, sql } from "kysely";
import type { Place } from "./cursor.ts";
import type { Order } from "./order.ts";
import { type Condition, type Range, rangesBehind } from "./ranges.ts";
import type { View } from "./view.ts";

export type PageSql = {
  view: View<never>;
  columns: readonly string[];
  /**
   * Which rows: those for which all conditions of one alternative hold. No row may be in two. Each
   * alternative is read along an index of its own.
   */
  anyOf: readonly (readonly Condition[])[];
  orders: readonly Order[];
  /** Rows begin behind it. */
  behind: Place | null;
  rows: number;
};

/**
 * The statement that reads the first rows behind a place. It reads each range of each alternative
 * only as far as a page, so it looks at no more than a page's rows for each of them when there is an
 * index; then it puts them in order.
 */
export function pageSql({ view, columns, anyOf, orders, behind, rows }: PageSql) {
  const source = sql.table(`escrow.${view.name}`);
  // In the text, not as a parameter: a plan that is kept has to know how few rows it is for.
  const limit = sql.lit(rows);
  const select = sql.join(columns.map((column) => sql.ref(column)));
  const readRange = (alternative: readonly Condition[], range: Range): RawBuilder<unknown> =>
    sql`select ${select} from ${source}${where([...alternative, ...range.conditions])}
        ${orderBy(range.orders)} limit ${limit}`;
  const reads = anyOf.flatMap((alternative) =>
    rangesBehind(view, orders, behind, alternative).map((range) => readRange(alternative, range)),
  );
  // An empty list of alternatives is a filter that nothing passes.
  if (reads.length === 0) return readRange([sql`false`], { conditions: [], orders: [] });
  const [only] = reads;
  if (only !== undefined && reads.length === 1) return only;
  const union = sql.join(
    reads.map((read) => sql`(${read})`),
    sql` union all `,
  );
  return sql`select * from (${union}) as found ${orderBy(orders)} limit ${limit}`;
}

/** The statement that counts the rows of all alternatives. */
export function countSql({
  view,
  anyOf,
}: Pick<PageSql, "view" | "anyOf">): RawBuilder<{ count: number }> {
  const source = sql.table(`escrow.${view.name}`);
  const counts = anyOf.map(
    (alternative) => sql`(select count(*) from ${source}${where(alternative)})`,
  );
  return sql`select ${counts.length === 0 ? sql`0::bigint` : sql.join(counts, sql` + `)} as count`;
}

/** `where` and all of some conditions; nothing when there is none. */
function where(conditions: readonly Condition[]): RawBuilder<unknown> {
  return conditions.length === 0 ? sql`` : sql` where ${sql.join(conditions, sql` and `)}`;
}

function orderBy(orders: readonly Order[]): RawBuilder<unknown> {
  const terms = orders.map(
    ({ column, direction, nulls }) =>
      sql`${sql.ref(column)} ${sql.raw(`${direction} nulls ${nulls}`)}`,
  );
  return terms.length === 0 ? sql`` : sql`order by ${sql.join(terms)}`;
}
