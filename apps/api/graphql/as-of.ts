/** The past block that a row is of; absent from what is read as it is now. */
export const AS_OF = Symbol("the block that a row is of");

export type MaybePast<Row> = Row & { [AS_OF]?: number };
