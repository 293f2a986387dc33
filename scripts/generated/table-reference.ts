import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as schema from "../../ponder.schema.ts";
import { READ_MODELS } from "../../src/projections/read-models.ts";
import { WRITTEN_TABLES } from "../../src/projections/row-changes.ts";
import type { WrittenTable } from "../../src/projections/written-table.ts";

const SCHEMA_FILE = join(import.meta.dirname, "../../ponder.schema.ts");
const TABLES = { ...schema };

type Column = { name: string; notNull: boolean; getSQLType(): string };

/** The reference page of the tables. What they and their columns mean is said in the schema file. */
export function tableReference(): string {
  const comments = commentsOf(readFileSync(SCHEMA_FILE, "utf8"));
  return `<!-- Generated from ponder.schema.ts and src/projections/read-models.ts by scripts/generate.ts. Do not edit. -->

# The tables

What the indexer writes of each event, in one transaction per block. Read them through the views in schema \`escrow\`, which have the same names and columns ([SQL](api.md#sql)). Amounts are in wei, times are Unix seconds, addresses and hashes are lower-case hex.

${WRITTEN_TABLES.map((table) => sectionOf(table, comments)).join("\n\n")}
`;
}

function sectionOf(table: WrittenTable, comments: ReadonlyMap<string, string>): string {
  const columns = Object.entries(TABLES[table.name] as unknown as Record<string, Column>);
  const rows = columns
    .filter(([, column]) => typeof column?.getSQLType === "function")
    .map(([property, column]) => {
      const type = `${column.getSQLType()}${column.notNull ? "" : ", may be null"}`;
      const isKey = table.key.includes(property) ? " (key)" : "";
      return `| \`${column.name}\`${isKey} | ${type} | ${comments.get(`${table.name}.${property}`) ?? ""} |`;
    });
  const isReadModel = READ_MODELS.some(({ name }) => name === table.name);
  return [
    `## ${table.table}`,
    `${isReadModel ? "Read model. " : ""}${comments.get(table.name) ?? ""}`,
    ["| Column | Type | Meaning |", "|---|---|---|", ...rows].join("\n"),
  ].join("\n\n");
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
