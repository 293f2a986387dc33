import type { View } from "./view.ts";

/** By what rows are ordered, and where those without a value stand. */
export type Order = {
  column: string;
  direction: "asc" | "desc";
  nulls: "first" | "last";
};

/** An order in which no two rows are alike: what was asked for, then what is left of the key. */
export function totalOrder(view: View<never>, asked: readonly Order[]): Order[] {
  const direction = asked.at(-1)?.direction ?? "asc";
  const rest = view.key
    .filter((column) => asked.every((order) => order.column !== column))
    .map((column): Order => ({ column, direction, nulls: nativeNulls(direction) }));
  // Said as an index has it where it makes no difference.
  const plain = asked.map((order) =>
    view.columns.get(order.column)?.isNullable
      ? order
      : { ...order, nulls: nativeNulls(order.direction) },
  );
  return [...plain, ...rest];
}

/** The same order, read from its other end. */
export function reversed(orders: readonly Order[]): Order[] {
  return orders.map(({ column, direction, nulls }) => ({
    column,
    direction: direction === "asc" ? "desc" : "asc",
    nulls: nulls === "first" ? "last" : "first",
  }));
}

/** Where an index has the rows without a value: read forwards at the end, backwards at the start. */
export function nativeNulls(direction: Order["direction"]): Order["nulls"] {
  return direction === "asc" ? "last" : "first";
}
