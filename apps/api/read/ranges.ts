import { type RawBuilder, sql } from "kysely";
import type { Place } from "./cursor.ts";
import { nativeNulls, type Order } from "./order.ts";
import type { View } from "./view.ts";

export type Condition = RawBuilder<boolean>;

const columnsOf = new WeakMap<Condition, string>();

/** A condition that holds for no row with null in that column; then nobody need look for such rows. */
export function notNull(column: string, condition: Condition): Condition {
  columnsOf.set(condition, column);
  return condition;
}

/** A stretch of an order that an index can be read along, in the index's own order. */
export type Range = { conditions: Condition[]; orders: Order[] };

type MayBeNull = (order: Order) => boolean;

/**
 * Cuts what stands behind a place into ranges that have no row in common, so that each can be read
 * along an index whatever is null and whichever way its columns point. For an order by `a, b` behind
 * `(1, 2)`, null last:
 *
 *     (a, b) > (1, 2)     a = 1 and b is null     a is null
 *
 * Without a place it is cut only where the rows without a value stand at the other end than in an
 * index.
 *
 * @param among the conditions of all the rows
 */
export function rangesBehind(
  view: View<never>,
  orders: readonly Order[],
  place: Place | null,
  among: readonly Condition[],
): Range[] {
  const [first] = orders;
  if (first === undefined) return [{ conditions: [], orders: [] }];
  const mayBeNull: MayBeNull = ({ column }) =>
    (view.columns.get(column)?.isNullable ?? true) &&
    among.every((each) => columnsOf.get(each) !== column);
  if (place !== null) return rangesBehindPlace(view, orders, place, mayBeNull);
  if (!mayBeNull(first) || first.nulls === nativeNulls(first.direction))
    return [{ conditions: [], orders: alongIndex(orders, 0) }];
  return [sql<boolean>`${ref(first)} is not null`, sql<boolean>`${ref(first)} is null`].map(
    (condition) => ({ conditions: [condition], orders: alongIndex(orders, 0) }),
  );
}

function rangesBehindPlace(
  view: View<never>,
  orders: readonly Order[],
  place: Place,
  mayBeNull: MayBeNull,
): Range[] {
  const ranges: Range[] = [];
  const add = (at: number, condition: Condition) =>
    ranges.push({
      conditions: [
        ...orders.slice(0, at).map((order, of) => isAt(view, order, place[of])),
        condition,
      ],
      orders: alongIndex(orders, at),
    });
  for (let at = 0; at < orders.length; at++) {
    const order = orders[at];
    if (order === undefined) break;
    const value = place[at];
    if (value === null) {
      if (order.nulls === "first") add(at, sql`${ref(order)} is not null`);
      continue;
    }
    if (mayBeNull(order) && order.nulls === "last") add(at, sql`${ref(order)} is null`);
    // Columns of one direction are compared as a row: one range instead of one for each.
    const before = orders[at - 1];
    if (before?.direction === order.direction && place[at - 1] !== null) continue;
    let end = at + 1;
    while (orders[end]?.direction === order.direction && place[end] !== null) end++;
    const compared = orders.slice(at, end);
    const values = compared.map((each, of) => literal(view, each, place[at + of]));
    const operator = sql.raw(order.direction === "asc" ? ">" : "<");
    add(at, sql`(${sql.join(compared.map(ref))}) ${operator} (${sql.join(values)})`);
  }
  return ranges;
}

/**
 * The order within a range in which all or none of the values at `at` are null, as those before it
 * are: where null would stand does not matter, so it is said as an index has it.
 */
function alongIndex(orders: readonly Order[], at: number): Order[] {
  return orders.map((order, of) =>
    of > at ? order : { ...order, nulls: nativeNulls(order.direction) },
  );
}

function isAt(view: View<never>, order: Order, value: Place[number] | undefined): Condition {
  return value === null
    ? sql`${ref(order)} is null`
    : sql`${ref(order)} = ${literal(view, order, value)}`;
}

function literal(view: View<never>, { column }: Order, value: Place[number] | undefined) {
  return sql`${value}::${sql.raw(view.columns.get(column)?.type ?? "text")}`;
}

function ref({ column }: Order): RawBuilder<unknown> {
  return sql.ref(column);
}
