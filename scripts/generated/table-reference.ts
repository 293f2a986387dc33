import { type DescribedTable, tableCatalogue } from "./table-catalogue.ts";

/** The reference page of the tables. */
export function tableReference(): string {
  return `<!-- Generated from ponder.schema.ts and src/projections/read-models.ts by scripts/generate.ts. Do not edit. -->

# The tables

What the indexer writes of each event, in one transaction per block. Read them through the views in schema \`escrow\`, which have the same names and columns ([SQL](api.md#sql)); \`\\d+ escrow.escrow\` in psql shows the same texts. Amounts are in wei, times are Unix seconds, addresses and hashes are lower-case hex.

${tableCatalogue().map(sectionOf).join("\n\n")}
`;
}

function sectionOf({ name, says, columns }: DescribedTable): string {
  const rows = columns.map(
    (column) =>
      `| \`${column.name}\`${column.isKey ? " (key)" : ""} | ${column.type} | ${column.says} |`,
  );
  return [
    `## ${name}`,
    says,
    ["| Column | Type | Meaning |", "|---|---|---|", ...rows].join("\n"),
  ].join("\n\n");
}
