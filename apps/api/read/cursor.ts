import type { Order } from "./order.ts";
import type { ColumnType, View } from "./view.ts";

/** What a row has in the columns that it is ordered by. */
export type Place = (string | number | null)[];

/** A cursor that this order has not given out; its message is for whoever sent it. */
export class InvalidCursor extends Error {
  override name = "InvalidCursor";
}

const MAX_LENGTH = 2_000;
const FORMS: Partial<Record<ColumnType, (value: unknown) => boolean>> = {
  int4: (value) => Number.isInteger(value) && Math.abs(value as number) < 2 ** 31,
  int8: (value) => Number.isSafeInteger(value),
  numeric: (value) => typeof value === "string" && /^-?\d{1,78}$/.test(value),
  text: (value) => typeof value === "string" && !value.includes("\0"),
};

/** Names a place in an order, opaquely: the order itself, and where the row stands in it. */
export function encodeCursor(orders: readonly Order[], place: Place): string {
  return Buffer.from(JSON.stringify([nameOf(orders), ...place])).toString("base64url");
}

/** @throws InvalidCursor for one that is damaged, or was given out by another order */
export function decodeCursor(view: View<never>, orders: readonly Order[], cursor: string): Place {
  const [order, ...place] = parse(cursor);
  if (order !== nameOf(orders))
    throw new InvalidCursor(
      "the cursor is of another ordering: take one of a page with this ordering, or begin without",
    );
  const fits =
    place.length === orders.length &&
    orders.every(({ column }, at) => {
      const known = view.columns.get(column);
      if (known === undefined) return false;
      const value = place[at];
      return value === null ? known.isNullable : (FORMS[known.type]?.(value) ?? false);
    });
  if (!fits) throw damaged();
  return place as Place;
}

function parse(cursor: string): unknown[] {
  if (cursor.length > MAX_LENGTH || !/^[\w-]+$/.test(cursor)) throw damaged();
  try {
    const read = JSON.parse(Buffer.from(cursor, "base64url").toString());
    if (Array.isArray(read) && typeof read[0] === "string") return read;
  } catch {
    // Said below.
  }
  throw damaged();
}

function damaged(): InvalidCursor {
  return new InvalidCursor("not a cursor: take one from the page before, as it is");
}

function nameOf(orders: readonly Order[]): string {
  return orders.map(({ column, direction, nulls }) => `${column} ${direction} ${nulls}`).join(", ");
}
