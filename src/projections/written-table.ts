import type * as schema from "../../ponder.schema.ts";

/** A row of a table under the schema's own names and types. */
export type Row = Record<string, unknown>;

/** The tables of the schema file, by the names of their exports. */
type TableName = Exclude<keyof typeof schema, `${string}Relations`>;

/** A table that events are written to. */
export type WrittenTable = {
  /** As `ponder.schema.ts` exports it. */
  name: TableName;
  /** As SQL knows it. */
  table: string;
  /** The primary key's columns, under the names of the schema file. */
  key: readonly string[];
};

export function writtenTable<Name extends TableName>(
  name: Name,
  key: readonly (keyof (typeof schema)[Name]["$inferSelect"] & string)[],
): WrittenTable {
  return { name, table: snakeCase(name), key };
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
