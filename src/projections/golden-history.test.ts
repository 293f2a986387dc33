import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { eventLine } from "../../proof/archive/export-format.ts";
import { type ProjectedTables, projectEvents } from "../../test/support/project-events.ts";
import { type EventRow, toStoredEvent } from "../events/event-row.ts";
import { upcast } from "../events/upcast.ts";
import { WRITTEN_TABLES } from "./row-changes.ts";

/*
 * A small history with everything that was ever written of it: events as an export holds them, the
 * bytes of their messages, and every read model. Written once, by the build that was the first to
 * publish, and never changed: other rows of the same events mean a mistake, or a new file.
 */

const FILE = join(import.meta.dirname, "../../test/golden/history-of-8-escrows.ndjson");
const SHA256 = "7a7b0824b2ab7b5f1ca8c07328e167fa58b7f60bfabc8a422fc00192f30bc02c";

type Line = { table: string; row: Record<string, unknown> };

const text = readFileSync(FILE, "utf8");
const lines = text
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line) as Line);
const rowsIn = (table: string) =>
  lines.filter((line) => line.table === table).map(({ row }) => row);

let projected: ProjectedTables;

beforeAll(() => {
  const stored = rowsIn("event").map((row) => toStoredEvent(row as EventRow));
  projected = projectEvents(stored.map((row) => upcast(row)));
});

test("The golden history is as it was written", () => {
  expect(createHash("sha256").update(text).digest("hex")).toBe(SHA256);
  const inFile = new Set(lines.map(({ table }) => table));
  expect([...inFile]).toEqual(WRITTEN_TABLES.map(({ table }) => table));
});

test.each(WRITTEN_TABLES)("Its events make the rows of $table that they always made", (table) => {
  const made = [...projected.rowsOf(table.name).values()].map(inSnakeCase);
  expect(made).toEqual(rowsIn(table.table));
});

test("An export of its events is, byte for byte, what it always was", () => {
  const exported = rowsIn("event").map((row) => `${JSON.stringify(row)}\n`);
  const stored = [...projected.rowsOf("event").values()].map(inSnakeCase) as EventRow[];
  expect(stored.map(eventLine)).toEqual(exported);
});

function inSnakeCase(row: Record<string, unknown>): Record<string, unknown> {
  // The file is older than the column, and nothing was observed then.
  const { observedArbiter: _none, ...written } = row;
  return Object.fromEntries(
    Object.entries(written).map(([name, value]) => {
      const isTime = name === "blockTimestamp";
      const column = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      // An export writes a time as a number; what may be larger is text.
      return [column, typeof value !== "bigint" ? value : isTime ? Number(value) : String(value)];
    }),
  );
}
