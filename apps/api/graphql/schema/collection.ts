import type { GraphQLInputFieldConfigMap } from "graphql";
import type { Condition } from "../../read/ranges.ts";
import type { RowType } from "./row-type.ts";

/** Rows that can be listed: by what they are filtered and ordered. */
export type Collection<Row> = {
  row: RowType<Row>;
  /** Name of the ordering → what it orders by. Each has an index. */
  orders: Record<string, { column: keyof Row & string; description: string }>;
  defaultOrder: { by: string; direction: "asc" | "desc" };
  filter: GraphQLInputFieldConfigMap;
  /**
   * Alternatives that have no row in common; a row is listed when all conditions of one hold.
   *
   * @param isNested below a parent, whose own condition is what an index is searched with
   */
  // biome-ignore lint/suspicious/noExplicitAny: the filter is what `filter` says
  conditions: (filter: any, isNested: boolean) => Condition[][];
};
