import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as schema from "../../ponder.schema.ts";
import { READ_MODELS } from "../../src/projections/read-models.ts";
import { WRITTEN_TABLES } from "../../src/projections/row-changes.ts";
import { meaningOf } from "./column-meaning.ts";

const SCHEMA_FILE = join(import.meta.dirname, "../../ponder.schema.ts");
const TABLES = { ...schema };

type Column = { name: string; notNull: boolean; getSQLType(): string };

/** A table of `ponder.schema.ts`, and what it and its columns mean. */
export type DescribedTable = {
  name: string;
  says: string;
  columns: { name: string; type: string; isKey: boolean; says: string }[];
};

/**
 * What is written of each event. The meaning of a table or column stands in front of it in the schema
 * file; that of a column whose name says it already is the same in every table.
 */
export function tableCatalogue(): DescribedTable[] {
  const comments = commentsOf(readFileSync(SCHEMA_FILE, "utf8"));
  return WRITTEN_TABLES.map((table) => {
    const columns = Object.entries(TABLES[table.name] as unknown as Record<string, Column>);
    const isReadModel = READ_MODELS.some(({ name }) => name === table.name);
    return {
      name: table.table,
      says: `${isReadModel ? "Read model. " : ""}${comments.get(table.name) ?? ""}`,
      columns: columns
        .filter(([, column]) => typeof column?.getSQLType === "function")
        .map(([property, column]) => ({
          name: column.name,
          type: `${column.getSQLType()}${column.notNull ? "" : ", may be null"}`,
          isKey: table.key.includes(property),
          says: comments.get(`${table.name}.${property}`) ?? meaningOf(column.name),
        })),
    };
  });
}

/** The comments in front of tables and columns, by `table` and `table.column`. */
function commentsOf(source: string): Map<string, string> {
  const comments = new Map<string, string>();
  const found = source.matchAll(
    /(?:\/\*\*(?<comment>(?:(?!\*\/)[\s\S])*)\*\/\s*)?(?:export const (?<table>\w+) = onchainTable|^ {2,4}(?<column>\w+): t\.)/gm,
  );
  let current = "";
  for (const { groups } of found) {
    current = groups?.table ?? current;
    const name = groups?.column === undefined ? current : `${current}.${groups.column}`;
    const text = (groups?.comment ?? "").replace(/\s*\n\s*\*\s?/g, " ").trim();
    if (text !== "") comments.set(name, text);
  }
  return comments;
}
