import type { Comparison, Difference } from "./compare.ts";

/** A comparison in words, with the same as figures. */
export function comparisonLines(comparison: Comparison): { text: string; figures: object }[] {
  const { blocks, tables, samples, notCompared, total } = comparison;
  const where = Object.entries(blocks)
    .map(([chainId, block]) => `block ${block} of chain ${chainId}`)
    .join(", ");
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  return [
    ...samples.map((sample) => ({ text: differenceText(sample), figures: { difference: sample } })),
    ...notCompared.map((table) => ({
      text: `${table} is not compared: it tells nothing about an earlier block`,
      figures: { table },
    })),
    {
      text: `compared ${rows} rows of ${tables.length} tables as of ${where}: ${total} ${total === 1 ? "difference" : "differences"}`,
      figures: { blocks, tables, differences: total },
    },
  ];
}

function differenceText({ table, key, kind, columns }: Difference): string {
  const name = `${table} (${Object.values(key).join(", ")})`;
  if (kind === "missing") return `${name} is missing in the live deployment`;
  if (kind === "extra") return `${name} is in the live deployment only`;
  const what = Object.entries(columns).map(
    ([column, { live, replayed }]) => `${column} is ${live}, replayed ${replayed}`,
  );
  return `${name}: ${what.join("; ")}`;
}
