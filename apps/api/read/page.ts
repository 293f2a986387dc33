import type { QueryExecutorProvider } from "kysely";
import { decodeCursor, encodeCursor, type Place } from "./cursor.ts";
import { type Order, reversed, totalOrder } from "./order.ts";
import { countSql, pageSql } from "./page-sql.ts";
import type { Condition } from "./ranges.ts";
import type { View } from "./view.ts";

/** Which rows, in which order, and which stretch of them. */
export type PageQuery<Row> = {
  view: View<Row>;
  /** What is needed of each row; all columns when absent. Those of the order and the key are added. */
  columns?: readonly (keyof Row & string)[] | undefined;
  /** Which rows: those for which all conditions of one alternative hold. No row may be in two. */
  anyOf: readonly (readonly Condition[])[];
  /** The key decides where this leaves rows alike. */
  order: readonly Order[];
  /** How many rows at most, from 1. */
  limit: number;
  /** `forward`: the rows behind the cursor. `backward`: the rows before it, still in order. */
  toward: "forward" | "backward";
  cursor: string | null;
};

export type Page<Row> = {
  rows: Row[];
  hasNextPage: boolean;
  hasPreviousPage: boolean;
  /** Where a row of the page stands in this order. */
  cursorOf(row: Row): string;
};

/**
 * Reads a page. It goes on behind the row that the cursor names, so rows that are added meanwhile
 * neither repeat nor hide one, whatever rows have in the ordered columns: also nothing, also alike.
 *
 * @throws InvalidCursor
 */
export async function readPage<Row>(
  db: QueryExecutorProvider,
  query: PageQuery<Row>,
): Promise<Page<Row>> {
  const plan = planPage(query);
  const { rows } = await plan.statement.execute(db);
  return plan.page(rows as Row[]);
}

/** Counts the rows that all pages of a query have together. */
export async function countRows<Row>(
  db: QueryExecutorProvider,
  query: Pick<PageQuery<Row>, "view" | "anyOf">,
): Promise<number> {
  const { rows } = await countSql(query).execute(db);
  return rows[0]?.count ?? 0;
}

/** The statement of a page, and what its rows make; for who reads several pages in one statement. */
export function planPage<Row>(query: PageQuery<Row>) {
  const { view, limit, toward, cursor } = query;
  const orders = totalOrder(view, query.order);
  const place = cursor === null ? null : decodeCursor(view, orders, cursor);
  const columns = new Set([
    ...(query.columns ?? view.columns.keys()),
    ...orders.map(({ column }) => column),
  ]);
  const statement = pageSql({
    view,
    columns: [...columns],
    anyOf: query.anyOf,
    orders: toward === "forward" ? orders : reversed(orders),
    behind: place,
    // One more than asked for, to know whether there are more.
    rows: limit + 1,
  });
  return {
    statement,
    page(found: Row[]): Page<Row> {
      const hasMore = found.length > limit;
      const rows = found.slice(0, limit);
      if (toward === "backward") rows.reverse();
      return {
        rows,
        // The row of the cursor is on the other side, unless a reorg has reverted it.
        hasNextPage: toward === "forward" ? hasMore : cursor !== null,
        hasPreviousPage: toward === "forward" ? cursor !== null : hasMore,
        cursorOf: (row) =>
          encodeCursor(orders, orders.map(({ column }) => row[column as keyof Row]) as Place),
      };
    },
  };
}
