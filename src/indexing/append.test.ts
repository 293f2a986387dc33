import fc from "fast-check";
import { expect, test, vi } from "vitest";
import * as schema from "../../ponder.schema.ts";
import { arbitraryHistory } from "../../test/support/arbitrary-history.ts";
import { manyDeals } from "../../test/support/many-deals.ts";
import { projectEvents } from "../../test/support/project-events.ts";
import type { EscrowEvent } from "../events/escrow-event.ts";
import { WRITTEN_TABLES } from "../projections/row-changes.ts";
import type { Row } from "../projections/written-table.ts";
import { append } from "./append.ts";

vi.mock("ponder:schema", () => import("../../ponder.schema.ts"));

type Db = Parameters<typeof append>[0];

/** The engine's store as far as handlers use it: rows by primary key, and a list of the calls. */
class FakeStore {
  readonly rows = new Map(
    WRITTEN_TABLES.map(({ name }) => [name as string, new Map<string, Row>()]),
  );
  readonly calls: string[] = [];
  readonly #tables = new Map(WRITTEN_TABLES.map((table) => [{ ...schema }[table.name], table]));

  find(table: never, key: Row) {
    this.calls.push(`find ${this.#place(table, key).table}`);
    const { rows, name } = this.#place(table, key);
    return Promise.resolve(rows.get(name) ?? null);
  }

  insert(table: never) {
    return {
      values: async (row: Row) => {
        const { rows, name, table: sqlName } = this.#place(table, row);
        this.calls.push(`insert ${sqlName}`);
        if (rows.has(name) && sqlName !== "event" && sqlName !== "outbox")
          throw new Error(`${sqlName} has a row ${name}`);
        rows.set(name, row);
      },
    };
  }

  update(table: never, key: Row) {
    return {
      set: async (row: Row) => {
        const { rows, name, table: sqlName } = this.#place(table, key);
        this.calls.push(`update ${sqlName}`);
        if (!rows.has(name)) throw new Error(`${sqlName} has no row ${name}`);
        rows.set(name, { ...rows.get(name), ...row });
      },
    };
  }

  #place(table: never, key: Row) {
    const written = this.#tables.get(table);
    if (written === undefined) throw new Error("no such table");
    const name = written.key.map((column) => String(key[column])).join(":");
    return { rows: this.rows.get(written.name) as Map<string, Row>, name, table: written.table };
  }
}

async function appended(events: readonly EscrowEvent[]): Promise<FakeStore> {
  const store = new FakeStore();
  for (const event of events) await append(store as unknown as Db, event);
  return store;
}

test("What is appended event by event is what folding the whole history gives", async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryHistory, async (events) => {
      const { rows } = await appended(events);
      expect(rows).toEqual(projectEvents(events).rows);
    }),
  );
});

const PARTY = ["find party", "insert party"];

test("Each row is looked for once and written once, and what is new is not looked for", async () => {
  const [creation, deployment] = manyDeals(1, 1) as [EscrowEvent, EscrowEvent];
  const store = await appended([creation]);
  expect(store.calls).toEqual([
    "find escrow",
    ...["insert event", "insert outbox", "insert escrow"],
    // Payer, payee and the observed arbiter.
    ...[...PARTY, ...PARTY, ...PARTY],
    ...["find settlement_minute", "insert settlement_minute"],
    ...["find chain_stat", "insert chain_stat"],
  ]);
  store.calls.length = 0;
  await append(store as unknown as Db, deployment);
  expect(store.calls).toEqual([
    "find escrow",
    ...["insert event", "insert outbox", "update escrow"],
    ...["find chain_stat", "update chain_stat"],
  ]);
});
