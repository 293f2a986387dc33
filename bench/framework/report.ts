/** A cell of a table: a text, or a number that is printed with a fitting number of digits. */
export type Cell = string | number | null;

/** What is printed, and written to `bench/results/`. */
export type Report = {
  tables: {
    title: string;
    columns: string[];
    rows: Cell[][];
    /** What one has to know to read it, in sentences. */
    notes?: string[];
  }[];
  /** Goals of the project, and what came out. */
  goals?: { goal: string; measured: string; isMet: boolean }[];
  /** Everything that was measured, unrounded, for the `.json`. */
  raw: unknown;
};

/** A report as Markdown, tables aligned so that it reads in a terminal as well. */
export function toMarkdown(report: Report): string {
  const parts = report.tables.map(({ title, columns, rows, notes = [] }) =>
    [
      `### ${title}`,
      table(columns, rows),
      ...(notes.length > 0 ? [notes.map((note) => `- ${note}`).join("\n")] : []),
    ].join("\n\n"),
  );
  const { goals = [] } = report;
  if (goals.length > 0)
    parts.push(
      [
        "### Goals",
        table(
          ["goal", "measured", ""],
          goals.map(({ goal, measured, isMet }) => [goal, measured, isMet ? "met" : "**missed**"]),
        ),
      ].join("\n\n"),
    );
  return parts.join("\n\n");
}

function table(columns: string[], rows: Cell[][]): string {
  const cells = [columns, ...rows.map((row) => row.map(format))];
  const widths = columns.map((_, at) => Math.max(...cells.map((row) => row[at]?.length ?? 0), 3));
  const isNumber = columns.map((_, at) => rows.every((row) => typeof row[at] !== "string"));
  const line = (row: string[]): string =>
    `| ${row
      .map((text, at) =>
        isNumber[at] ? text.padStart(widths[at] ?? 0) : text.padEnd(widths[at] ?? 0),
      )
      .join(" | ")} |`;
  const rule = `|${widths
    .map((width, at) => (isNumber[at] ? `${"-".repeat(width + 1)}:` : "-".repeat(width + 2)))
    .join("|")}|`;
  const [head = [], ...body] = cells;
  return [line(head), rule, ...body.map(line)].join("\n");
}

/** Three digits that count, thousands with commas. */
function format(cell: Cell): string {
  if (cell === null) return "–";
  if (typeof cell === "string") return cell;
  if (!Number.isFinite(cell)) return "–";
  const digits = Math.abs(cell) >= 100 ? 0 : Math.abs(cell) >= 10 ? 1 : 2;
  const isWhole = Number.isInteger(cell);
  return cell.toLocaleString("en-US", {
    minimumFractionDigits: isWhole ? 0 : digits,
    maximumFractionDigits: isWhole ? 0 : digits,
  });
}
