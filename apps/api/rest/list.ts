import { z } from "@hono/zod-openapi";
import { sql } from "kysely";
import { Problem } from "../problem.ts";
import { chainOf } from "../read/chain-of.ts";
import type { Snapshot } from "../read/consistent-reads.ts";
import { countRows, readPage } from "../read/page.ts";
import type { Condition } from "../read/ranges.ts";
import type { View } from "../read/view.ts";
import type { Route } from "./add-route.ts";
import { whole, word, yesOrNo } from "./parameters.ts";
import { rowSchema } from "./row-schema.ts";

type Shape = Record<string, z.ZodType>;
type Filter<F extends Shape> = Partial<z.output<z.ZodObject<F>>>;

export type List<Row, P extends Shape, F extends Shape> = {
  path: string;
  tag: string;
  summary: string;
  description?: string;
  /** What its rows are called in the answer, and one of them in the OpenAPI document. */
  rows: string;
  rowName: string;
  view: View<Row>;
  params: P;
  filter: F;
  /** Which rows: those for which all conditions of one alternative hold. */
  anyOf(input: Filter<F> & z.output<z.ZodObject<P>>): (readonly Condition[])[];
  /** What may be ordered by, each with an index: its name, and its column. */
  orders: Record<string, keyof Row & string>;
  direction: "asc" | "desc";
  present?(row: Row, asked: Filter<F>): object;
  isOfTheClock?(asked: Filter<F>): boolean;
  /** `escrow`: the path names one, and it is 404 when there is none. */
  parent?: "escrow";
};

const MAX_LIMIT = 1_000;
const DEFAULT_LIMIT = 100;

/**
 * A route that answers pages of a view. A page goes on behind the last row of the one before it, so
 * that what is added meanwhile neither repeats nor hides a row.
 */
export function listRoute<Row extends object, P extends Shape, F extends Shape>(
  list: List<Row, P, F>,
): Route<P, Shape> {
  const names = Object.keys(list.orders);
  const paging = {
    order_by: word("an order", names)
      .default(names[0] ?? "")
      .openapi({ description: "What the rows are ordered by; the key decides between equals." }),
    direction: word("a direction", ["asc", "desc"]).default(list.direction),
    limit: whole({ min: 1, max: MAX_LIMIT })
      .default(DEFAULT_LIMIT)
      .openapi({ description: "So many rows at most." }),
    cursor: z
      .string()
      .optional()
      .openapi({ description: "`next` of the page before, with the same order." }),
    total: yesOrNo
      .default(false)
      .openapi({ description: "Also counts all rows that pass the filter." }),
  };
  const filter = Object.fromEntries(
    Object.entries(list.filter).map(([name, schema]) => [name, schema.optional()]),
  );
  const { path, tag, summary, description, params, view } = list;
  return {
    ...{ path, tag, summary, params, query: { ...filter, ...paging } },
    ...(description === undefined ? {} : { description }),
    isOfTheClock: (query) => list.isOfTheClock?.(query as Filter<F>) ?? false,
    answer: z.object({
      [list.rows]: z.array(rowSchema(view as View<never>, list.rowName)),
      next: z.string().nullable().openapi({ description: "Cursor of the next page." }),
      total: z.int().optional(),
    }),
    read: async ({ db, progress }, input) => {
      const { params, query } = input as unknown as {
        params: Record<string, unknown>;
        query: Record<string, unknown> & z.output<z.ZodObject<typeof paging>>;
      };
      const { chain_id: chainId } = { ...params, ...query };
      if (typeof chainId === "number") chainOf(progress, chainId);
      if (list.parent === "escrow") await checkEscrow(db, params);
      const asked = { ...query, ...params } as unknown as Filter<F> & z.output<z.ZodObject<P>>;
      const anyOf = list.anyOf(asked);
      const column = list.orders[query.order_by];
      const { direction, limit } = query;
      const page = await readPage(db, {
        ...{ view, anyOf, limit, toward: "forward" as const, cursor: query.cursor ?? null },
        order: column === undefined ? [] : [{ column, direction, nulls: "last" }],
      });
      const last = page.rows.at(-1);
      return {
        [list.rows]: page.rows.map((row) => list.present?.(row, asked) ?? row),
        next: page.hasNextPage && last !== undefined ? page.cursorOf(last) : null,
        ...(query.total ? { total: await countRows(db, { view, anyOf }) } : {}),
      };
    },
  };
}

/** @throws Problem 404 when there is no such escrow */
async function checkEscrow(
  db: Snapshot["db"],
  { chain_id: chainId, address }: Record<string, unknown>,
): Promise<void> {
  const { rows } = await sql`select from escrow.escrow
    where chain_id = ${chainId} and address = ${address}`.execute(db);
  if (rows.length > 0) return;
  throw new Problem("ES-NOT-FOUND", `no escrow ${address} is known on chain ${chainId}`);
}
