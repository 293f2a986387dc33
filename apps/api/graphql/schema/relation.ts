import type { Condition } from "../../read/ranges.ts";
import type { Collection } from "./collection.ts";
import type { RowType } from "./row-type.ts";

/** How a relation answers for a parent that is of a past block: up to that block, or not at all. */
type Past = {
  /** The column with the block in which a row came to be. */
  pastBlock?: string;
  /** Why there is no answer, and what to ask instead. */
  pastIs?: string;
};

/** A row that leads to one other on the same chain, or to none. */
export type One<Row> = Past & {
  is: "one";
  // biome-ignore lint/suspicious/noExplicitAny: relations lead to rows of every kind
  to: RowType<any>;
  /** Column of the other row, beside `chain_id`. */
  by: string;
  from: keyof Row & string;
  description: string;
};

/** A row that leads to a page of others on the same chain. */
export type Many<Row> = Past & {
  is: "many";
  // biome-ignore lint/suspicious/noExplicitAny: relations lead to rows of every kind
  to: Collection<any>;
  from: keyof Row & string;
  // biome-ignore lint/suspicious/noExplicitAny: arguments are what the field says
  match: (args: any) => Condition[][];
  takesRoles?: boolean;
  defaultOrder?: { by: string; direction: "asc" | "desc" };
  /** Columns that order the rows of one parent as others do, and that an index has for one. */
  orderedAs?: Record<string, string>;
  description: string;
};

export type Relations<Row> = Record<string, One<Row> | Many<Row>>;

export function one<Row, Other>(
  relation: Omit<One<Row>, "is" | "to" | "by"> & { to: RowType<Other>; by: keyof Other & string },
): One<Row> {
  return { is: "one", ...relation };
}

export function many<Row, Other>(
  relation: Omit<Many<Row>, "is" | "to"> & { to: Collection<Other> },
): Many<Row> {
  return { is: "many", ...relation };
}
