import { describe, expect, test } from "vitest";
import * as schema from "../../ponder.schema.ts";
import { approved, created, PAYEE, PAYER, released } from "../../test/support/given-events.ts";
import { projectEvents } from "../../test/support/project-events.ts";
import { rowChanges, WRITTEN_TABLES } from "./row-changes.ts";

/** What the engine's table maker keeps under these symbols (drizzle-orm 0.41). */
const NAME = Symbol.for("drizzle:Name");
const CONFIG = Symbol.for("drizzle:ExtraConfigBuilder");
const CONFIG_COLUMNS = Symbol.for("drizzle:ExtraConfigColumns");

type Column = { name: string; primary: boolean };
type Table = Record<string, Column> & {
  [NAME]: string;
  [CONFIG]?: (columns: unknown) => { pk?: { columns: Column[] } };
  [CONFIG_COLUMNS]: unknown;
};

const tables = new Map(
  Object.entries(schema as unknown as Record<string, Table>).filter(([, table]) => NAME in table),
);

describe("The list of tables that events are written to", () => {
  test("has every table of the schema file, and no other", () => {
    const listed = WRITTEN_TABLES.map(({ name }) => name as string);
    expect(listed.sort()).toEqual([...tables.keys()].sort());
  });

  test.each(WRITTEN_TABLES)("knows the SQL name and the primary key of $table", (written) => {
    const table = tables.get(written.name) as Table;
    expect(written.table).toBe(table[NAME]);
    const named = table[CONFIG]?.(table[CONFIG_COLUMNS]).pk?.columns.map(({ name }) => name);
    const columns = written.key.map((property) => table[property] as Column);
    expect(columns.map(({ name }) => name)).toEqual(
      named ?? Object.values(table).flatMap(({ primary, name }) => (primary ? [name] : [])),
    );
  });
});

describe("The rows that a transition changes", () => {
  const changesOf = (...events: Parameters<typeof projectEvents>[0]) => {
    const last = projectEvents(events).transitions.at(-1);
    if (last === undefined) throw new Error("no event");
    return rowChanges(last);
  };
  const inWords = (changes: ReturnType<typeof rowChanges>) =>
    changes.map(({ table, change }) => `${change.is} ${table.table}`);

  test("are an event, its message, and all that follows from a creation", () => {
    expect(inWords(changesOf(created()))).toEqual([
      "new event",
      "new outbox",
      "new escrow",
      "fold party",
      "fold party",
      "fold party",
      "fold settlement_minute",
      "fold chain_stat",
    ]);
  });

  test("replace the escrow that there was, and count nobody's totals for an approval", () => {
    expect(inWords(changesOf(created(), approved(PAYER)))).toEqual([
      "new event",
      "new outbox",
      "next escrow",
      "new approval",
      "fold chain_stat",
    ]);
  });

  test("hold the settlement that a release is", () => {
    const history = [created(), approved(PAYER), approved(PAYEE), released()];
    expect(inWords(changesOf(...history))).toContain("new settlement");
  });

  test("follow from the transition alone, however often they are asked for", () => {
    const history = [created(), approved(PAYER)];
    const rows = () =>
      changesOf(...history).map(({ table, change }) => [
        table.table,
        change.is === "fold" ? change.fold(null) : change.row,
      ]);
    expect(rows()).toEqual(rows());
  });
});
