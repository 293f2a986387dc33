import type { Order } from "../../read/order.ts";
import { badValue } from "../bad-value.ts";
import type { Collection } from "./collection.ts";

export const MAX_PAGE = 1_000;
export const DEFAULT_PAGE = 20;

/** The arguments of a connection, as they are sent. */
export type PageArguments = {
  first?: number | null;
  after?: string | null;
  last?: number | null;
  before?: string | null;
  orderBy?: { by: string; direction: "asc" | "desc" } | null;
  where?: Record<string, unknown> | null;
};

/** How many rows are asked for. @throws GraphQLError for a number that is none of a page */
export function pageSize({ first, last }: PageArguments): number {
  if (first != null && last != null)
    throw badValue("first and last cannot be asked for together: one page has one end");
  const size = first ?? last ?? DEFAULT_PAGE;
  if (size < 1 || size > MAX_PAGE)
    throw badValue(
      `${first == null ? "last" : "first"}: ${size} is not a page: it is from 1 to ${MAX_PAGE}`,
    );
  return size;
}

/** Which page of which order. @throws GraphQLError for arguments that do not go together */
export function pageOf<Row>(args: PageArguments, { orders, defaultOrder }: Collection<Row>) {
  const { last, after = null, before = null } = args;
  const toward: "forward" | "backward" = last == null && before === null ? "forward" : "backward";
  if (after !== null && toward === "backward")
    throw badValue("after goes with first, and before with last");
  if (before !== null && args.first != null)
    throw badValue("before goes with last, and after with first");
  const { by, direction } = args.orderBy ?? defaultOrder;
  const column = orders[by]?.column;
  if (column === undefined) throw badValue(`there is no ordering ${by}`);
  const order: Order[] = [{ column, direction, nulls: "last" }];
  return { limit: pageSize(args), toward, cursor: after ?? before, order };
}
