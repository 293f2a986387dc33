import { sql } from "kysely";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type FinalGate, NO_GATE } from "../../engine/final-gate.ts";
import { ponderOutbox } from "../../engine/outbox-source.ts";
import { ensureWitnessTables } from "../../engine/witness-tables.ts";
import type { PublicationConfig } from "../../packages/relay/journal/publication.ts";
import { countUnpublished } from "../../packages/relay/serve/relay-status.ts";
import { relayLook } from "../support/relay-look.ts";
import { RelayWorld, type TestDatabase } from "../support/relay-world.ts";
import { type OutboxRow, StandInOutbox } from "../support/stand-in-outbox.ts";

const GATED: FinalGate = { isOn: true, except: [] };
const FINAL: PublicationConfig = { topic: "final-topic", finality: "finalized" };

const world = new RelayWorld();
beforeAll(() => world.start());
afterAll(() => world.stop());

let database: TestDatabase;
let outbox: StandInOutbox;
beforeEach(async () => {
  database = await world.database();
  outbox = await StandInOutbox.create(database.pool);
  const client = await database.pool.connect();
  await ensureWitnessTables(client);
  client.release();
});

const publish = (config = FINAL, gate = GATED) => relayLook(database.db, config, gate);

async function appendBlocks(from: number, to: number, chain = 1): Promise<void> {
  const prefix = chain === 1 ? "e" : `c${chain}`;
  for (let block = from; block <= to; block++)
    await outbox.append({ key: "a", block, chain, id: `${prefix}-${block}` });
}

describe("the gate of a final publication", () => {
  test("lets nothing through that is final and not verified, and nothing at all before the witness has spoken [G-22]", async () => {
    const look = await publish();
    await appendBlocks(1, 6);
    await outbox.moveTo({ latest: 6, finalized: 5 });
    expect(await look()).toEqual([]);
    await outbox.verify(2);
    expect(await look()).toEqual(["e-1", "e-2"]);
    expect(await look()).toEqual(["e-1", "e-2"]);
    // The witness may be ahead of the engine: final both has to be.
    await outbox.verify(6);
    expect(await look()).toEqual(["e-1", "e-2", "e-3", "e-4", "e-5"]);
    await outbox.moveTo({ latest: 7, finalized: 7 });
    expect(await look()).toEqual(["e-1", "e-2", "e-3", "e-4", "e-5", "e-6"]);
  });

  test("passes over nothing that it holds, however its batches fall [G-22]", async () => {
    const look = await publish();
    await appendBlocks(1, 9);
    await outbox.moveTo({ latest: 9, finalized: 9 });
    let most = 0;
    for (const through of [2, 2, 5, 3, 9]) {
      await outbox.verify(through);
      most = Math.max(most, through);
      const told = Array.from({ length: most }, (_, at) => `e-${at + 1}`);
      for (let looks = 0; looks < 3; looks++) await look(2);
      expect(await look(2)).toEqual(told);
    }
  });

  test("holds one chain, and no other", async () => {
    const look = await publish();
    await appendBlocks(1, 3);
    await appendBlocks(1, 3, 2);
    await outbox.moveTo({ latest: 3, finalized: 3 });
    await outbox.moveTo({ latest: 3, finalized: 3, chain: 2 });
    await outbox.verify(3, { chain: 2 });
    expect(await look()).toEqual(["c2-1", "c2-2", "c2-3"]);
  });

  test("is of the deployment that is shown: what was verified of another says nothing", async () => {
    const look = await publish();
    await appendBlocks(1, 1);
    await outbox.moveTo({ latest: 1, finalized: 1 });
    await outbox.verify(1, { deployment: "escrow_another" });
    expect(await look()).toEqual([]);
  });

  test("knows the deployment behind the stable views", async () => {
    const look = await publish();
    await appendBlocks(1, 1);
    await outbox.moveTo({ latest: 1, finalized: 1 });
    await database.pool.query(`
      create schema escrow_ab12;
      alter table escrow.outbox set schema escrow_ab12;
      create view escrow.outbox as select * from escrow_ab12.outbox`);
    await outbox.verify(1, { deployment: "escrow_ab12" });
    expect(await look()).toEqual(["e-1"]);
  });

  test("is off where only the engine's finality is asked for", async () => {
    const look = await publish(FINAL, { isOn: true, except: [2] });
    await appendBlocks(1, 1);
    await appendBlocks(1, 1, 2);
    await outbox.moveTo({ latest: 1, finalized: 1 });
    await outbox.moveTo({ latest: 1, finalized: 1, chain: 2 });
    expect(await look()).toEqual(["c2-1"]);
  });

  test("is none of a provisional publication's business", async () => {
    const look = await publish({ topic: "early-topic", finality: "latest" });
    await appendBlocks(1, 1);
    expect(await look()).toEqual(["e-1"]);
  });

  test("parts blocks of the same second", async () => {
    const look = await publish();
    await appendBlocks(1, 3);
    // Blocks 1 to 3 in one second, as on chains that make several in each.
    await database.pool.query(
      "update escrow.outbox set position = '1700000005' || substring(position, 11)",
    );
    await outbox.moveTo({ latest: 9, finalized: 9 });
    await outbox.verify(2);
    expect(await look()).toEqual(["e-1", "e-2"]);
  });
});

describe("history that is not proven yet", () => {
  const UNPROVEN = { through: 0, to: 5 };

  async function final(...rows: OutboxRow[]): Promise<void> {
    for (const row of rows) await outbox.append(row);
    await outbox.moveTo({ latest: 9, finalized: 9 });
  }

  const old = (block: number, key = "a"): OutboxRow => ({ key, block, id: `e-${block}` });

  /** As an upgrade finds it: published before anybody proved anything. */
  async function published(): Promise<() => Promise<string[]>> {
    const before = await publish(FINAL, NO_GATE);
    await final(old(2), old(4));
    expect(await before()).toEqual(["e-2", "e-4"]);
    await outbox.deploy("build-2");
    return await publish();
  }

  test("holds nothing back that comes behind it, where all of it was published before [G-22]", async () => {
    const look = await published();
    await final(old(7));
    await outbox.verify(7, { history: UNPROVEN });
    expect(await look()).toEqual(["e-2", "e-4", "e-7"]);
  });

  test.each([
    { name: "of a newly followed factory", row: old(3, "b") },
    { name: "of an escrow whose hole was filled", row: old(3) },
    { name: "at its end", row: old(5, "b") },
  ])(
    "passes no older event $name, and none behind it, until it is proven [G-22]",
    async ({ row }) => {
      const look = await published();
      await final(row, old(7), old(8, "b"));
      await outbox.verify(8, { history: UNPROVEN });
      for (let looks = 0; looks < 3; looks++) expect(await look()).toEqual(["e-2", "e-4"]);
      expect(await countUnpublished(database.db, ponderOutbox({ gate: GATED }), FINAL)).toBe(2);
      // A part of it says nothing of the rest: the key's next event may be the hole.
      await outbox.verify(8, { history: { through: 4, to: 5 } });
      expect(await look()).toEqual(["e-2", "e-4"]);
      await outbox.verify(8, { history: { through: 5, to: 5 } });
      expect((await look()).toSorted()).toEqual(
        ["e-2", "e-4", `e-${row.block}`, "e-7", "e-8"].toSorted(),
      );
    },
  );

  test("is proven first for a publication that comes later, and for no other [G-22]", async () => {
    const look = await published();
    const later = await publish({ topic: "later-topic", finality: "finalized" });
    await final(old(7));
    await outbox.verify(7, { history: UNPROVEN });
    expect(await later()).toEqual([]);
    expect(await look()).toEqual(["e-2", "e-4", "e-7"]);
    await outbox.verify(7, { history: { through: 5, to: 5 } });
    expect(await later()).toEqual(["e-2", "e-4", "e-7"]);
  });

  test("is proven first for a journal that was lost [G-22]", async () => {
    const look = await published();
    await outbox.verify(7, { history: UNPROVEN });
    await look();
    await database.pool.query("truncate relay.message, relay.capture_cursor, relay.ordering_key");
    expect(await look()).toEqual([]);
  });

  test("is all that an older witness calls verified, until a newer one has said where it ends", async () => {
    const look = await publish();
    await final(old(2));
    await database.pool.query("alter table witness.verified drop column gate_from");
    await database.pool.query(
      "insert into witness.verified values ('escrow', 1, 9, null, 'proof', 0)",
    );
    expect(await look()).toEqual([]);
    const client = await database.pool.connect();
    await ensureWitnessTables(client);
    client.release();
    await outbox.verify(9);
    expect(await look()).toEqual(["e-2"]);
  });

  test("is said beside what is verified", async () => {
    await final(old(2));
    await outbox.verify(9, { history: { through: 3, to: 5 } });
    const [line] = await ponderOutbox({ gate: GATED }).readFinality(database.db);
    expect(line).toMatchObject({ verifiedThrough: 9, unproven: { through: 3, to: 5 } });
  });
});

describe("how far final rows are, and what they wait for,", () => {
  const finalityOf = async (gate = GATED) => await ponderOutbox({ gate }).readFinality(database.db);
  const line = {
    ...{ line: 1, finalThrough: 4, gate: "on", basis: null, verifiedThrough: null },
    unproven: null,
  };

  beforeEach(async () => {
    await appendBlocks(1, 6);
    await outbox.moveTo({ latest: 6, finalized: 4 });
  });

  test("is said before the witness has spoken", async () => {
    const because = "nothing of deployment escrow is verified yet";
    expect(await finalityOf()).toEqual([{ ...line, heldAt: 1, because }]);
  });

  test("is said while it is on its way, and when nothing is held", async () => {
    await outbox.verify(2);
    const verified = { ...line, basis: "proof", verifiedThrough: 2 };
    const because = "verified through block 2 so far";
    expect(await finalityOf()).toEqual([{ ...verified, heldAt: 3, because }]);
    await outbox.verify(4);
    const all = { ...verified, verifiedThrough: 4, heldAt: null, because: null };
    expect(await finalityOf()).toEqual([all]);
  });

  test("names the first finding that is not healed", async () => {
    await outbox.verify(2);
    const add = `insert into witness.finding
      (deployment, chain_id, kind, event_id, block_number, detail, healed_at) values`;
    await database.pool.query(`${add}
      ('escrow', 1, 'phantom', 'e-1', 1, 'was healed', now()),
      ('escrow', 1, 'hole', 'e-x', 3, 'event e-x is not in the event store', null),
      ('escrow_another', 1, 'hole', 'e-y', 2, 'of another deployment', null)`);
    const [{ heldAt, because } = { heldAt: 0, because: "" }] = await finalityOf();
    expect({ heldAt, because }).toEqual({
      heldAt: 3,
      because: "hole at block 3: event e-x is not in the event store",
    });
  });

  test("is the engine's word alone where the gate is off", async () => {
    const off = { ...line, gate: "off", heldAt: null, because: null };
    expect(await finalityOf(NO_GATE)).toEqual([off]);
    await outbox.verify(2);
    expect(await finalityOf({ isOn: true, except: [1] })).toEqual([off]);
  });
});

test.each([
  { name: "of what is held", verify: () => outbox.verify(10), known: 10, gate: GATED },
  {
    name: "while old history is not proven",
    verify: () => outbox.verify(60_000, { history: { through: 0, to: 40_000 } }),
    known: 50_000,
    gate: NO_GATE,
  },
])(
  "a capture $name reads a few rows, however many there are [G-22]",
  async ({ verify, known, gate }) => {
    const { db, pool } = database;
    await pool.query(`
    insert into escrow.outbox
    select 1, lpad((1700000000 + n)::text, 10, '0') || lpad('1', 16, '0') || lpad(n::text, 16, '0')
              || repeat('0', 16) || '5' || repeat('0', 16),
           'e-' || n, n, '0x', 'a', '{}', '{}'
    from generate_series(1, 50000) n;
    analyze escrow.outbox`);
    await outbox.moveTo({ latest: 60_000, finalized: 60_000 });
    await verify();
    await (await publish(FINAL, gate))(known);
    const look = await publish();
    expect(await look()).toHaveLength(known);
    const read = async (): Promise<number> => {
      await sql`select pg_stat_force_next_flush()`.execute(db);
      const { rows } = await pool.query(
        `select pg_stat_get_tuples_returned(i.oid) + pg_stat_get_tuples_returned('escrow.outbox'::regclass) as n
       from pg_class i where i.oid = 'escrow.outbox_pkey'::regclass`,
      );
      return Number(rows[0].n);
    };
    const before = await read();
    await look();
    expect((await read()) - before).toBeLessThan(500);
  },
);
