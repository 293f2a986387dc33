import { type Kysely, sql } from "kysely";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ponderOutbox } from "../../engine/outbox-source.ts";
import { capture, JournalConflict } from "../../packages/relay/capture/capture.ts";
import type { Publication, PublicationConfig } from "../../packages/relay/journal/publication.ts";
import type { Lease, LeaseKeeper } from "../../packages/relay/leases/lease-keeper.ts";
import { claim } from "../../packages/relay/publish/progress.ts";
import { readUnconfirmed, retract } from "../../packages/relay/reorg/reconcile.ts";
import { publicationWithLeases, RelayWorld, readJournal } from "../support/relay-world.ts";
import { StandInOutbox } from "../support/stand-in-outbox.ts";

const world = new RelayWorld();
const source = ponderOutbox();
beforeAll(() => world.start());
afterAll(() => world.stop());

let db: Kysely<unknown>;
let outbox: StandInOutbox;
beforeEach(async () => {
  const made = await world.database();
  db = made.db;
  outbox = await StandInOutbox.create(made.pool);
});

/** Retracts all that is unconfirmed, as on the chain's word. */
async function retractUnconfirmed(
  publication: Publication,
  leases: LeaseKeeper,
  isReplaced: (block: number) => boolean = () => true,
): Promise<number> {
  const leader = leases.leader(publication);
  if (leader === null) throw new Error("the leadership was not taken");
  const events = await readUnconfirmed(db, source, publication, "1", 100);
  const replaced = events.filter(({ height }) => isReplaced(height));
  const { instance } = leases;
  return await retract(db, { source, publication, instance, leader, events: replaced });
}

async function publish(config?: PublicationConfig) {
  const { publication, leases } = await publicationWithLeases(db, config);
  return { publication, look: looker(publication, leases) };
}

function looker(publication: Publication, leases: LeaseKeeper, deployment = "build-1") {
  const leader = leases.leader(publication);
  if (leader === null) throw new Error("the leadership was not taken");
  return (limit = 100, as: Lease = leader, build = deployment) =>
    capture(db, {
      source,
      publication,
      line: { line: "1", edition: build, final: null, cleared: null },
      instance: leases.instance,
      leader: as,
      limit,
    });
}

describe("capture", () => {
  test("takes an event back only with those that came after it on its key, of which the shorter branch says nothing yet", async () => {
    const { publication, leases } = await publicationWithLeases(db);
    const look = looker(publication, leases);
    const branch = [
      { key: "a", block: 1 },
      { key: "b", block: 1, index: 1 },
      { key: "a", block: 3 },
      { key: "a", block: 4 },
    ];
    await outbox.append(...branch);
    expect(await look()).toEqual({ captured: 4, unconfirmed: 0 });
    await outbox.rollBackTo(0);
    // Another block 1, and no block 3 yet: of key `a` nothing can be retracted.
    expect(await retractUnconfirmed(publication, leases, (block) => block < 3)).toBe(1);
    expect(await retractUnconfirmed(publication, leases, (block) => block !== 3)).toBe(1);
    expect(await retractUnconfirmed(publication, leases)).toBe(2);
    expect(await retractUnconfirmed(publication, leases)).toBe(0);
    const told = (await readJournal(db, publication)).filter(([key]) => key === "a");
    expect(told.map(([, , eventId]) => eventId)).toEqual(
      ["e-1-0", "e-3-0", "e-4-0"].concat(["e-4-0", "e-3-0", "e-1-0"]),
    );
  });

  test("republishes an event that was retracted and is in the outbox again before anybody has missed it", async () => {
    const { publication, leases } = await publicationWithLeases(db);
    const look = looker(publication, leases);
    await outbox.append({ key: "a", block: 1 }, { key: "a", block: 2 });
    expect(await look()).toEqual({ captured: 2, unconfirmed: 0 });
    await outbox.rollBackTo(1);
    expect(await look()).toEqual({ captured: 0, unconfirmed: 1 });
    expect(await retractUnconfirmed(publication, leases)).toBe(1);
    await outbox.append({ key: "a", block: 2 });
    expect(await look()).toEqual({ captured: 1, unconfirmed: 0 });
    expect(await look()).toEqual({ captured: 0, unconfirmed: 0 });
  });

  test("numbers events per key in chain order without gaps, over any number of batches [G-3]", async () => {
    const { publication, look } = await publish();
    await outbox.append(
      { key: "a", block: 1 },
      { key: "b", block: 2 },
      { key: "a", block: 3 },
      { key: "a", block: 4 },
      { key: "b", block: 5 },
    );
    expect(await look(2)).toEqual({ captured: 2, unconfirmed: 0 });
    expect(await look(2)).toEqual({ captured: 2, unconfirmed: 0 });
    expect(await look(2)).toEqual({ captured: 1, unconfirmed: 0 });
    expect(await look(2)).toEqual({ captured: 0, unconfirmed: 0 });
    expect(await readJournal(db, publication)).toEqual([
      ["a", 1, "e-1-0"],
      ["a", 2, "e-3-0"],
      ["a", 3, "e-4-0"],
      ["b", 1, "e-2-0"],
      ["b", 2, "e-5-0"],
    ]);
  });

  test("puts the sequence, the publication and the finality into the attributes", async () => {
    const final: PublicationConfig = { topic: "final-topic", finality: "finalized" };
    const { publication, leases } = await publicationWithLeases(db, final);
    await outbox.append({ key: "a", block: 1 });
    await outbox.moveTo({ latest: 9, finalized: 5 });
    await looker(publication, leases)();
    const limits = { keys: 10, messages: 10 };
    const partitions = leases.partitions(publication);
    const [batch] = await claim(db, publication, leases.instance, partitions, "", limits);
    expect(batch?.messages.map(({ attributes }) => attributes)).toEqual([
      { event_id: "e-1-0", sequence: "1", publication: "final-topic", finality: "final" },
    ]);
  });

  test("gives a final publication only what the finalized checkpoint covers", async () => {
    const { publication, look } = await publish({ topic: "final-topic", finality: "finalized" });
    await outbox.append({ key: "a", block: 1 }, { key: "a", block: 2 });
    await outbox.moveTo({ latest: 2, finalized: 1 });
    await look();
    expect(await readJournal(db, publication)).toEqual([["a", 1, "e-1-0"]]);
    await outbox.moveTo({ latest: 9, finalized: 2 });
    await look();
    expect(await readJournal(db, publication)).toEqual([
      ["a", 1, "e-1-0"],
      ["a", 2, "e-2-0"],
    ]);
  });

  test("gives a publication with confirmations what has that many blocks on top", async () => {
    const { publication, look } = await publish({ topic: "t-3", finality: { confirmations: 3 } });
    await outbox.append({ key: "a", block: 1 }, { key: "a", block: 2 });
    await outbox.moveTo({ latest: 4, finalized: 0 });
    await look();
    expect(await readJournal(db, publication)).toEqual([["a", 1, "e-1-0"]]);
  });

  test("holds back a key whose event vanished, and goes on when the engine has it again", async () => {
    const { publication, look } = await publish();
    await outbox.append({ key: "a", block: 1 }, { key: "a", block: 2 }, { key: "a", block: 3 });
    await outbox.moveTo({ latest: 3, finalized: 1 });
    await look();
    await outbox.rollBackTo(1);
    expect(await look()).toEqual({ captured: 0, unconfirmed: 2 });
    await outbox.append({ key: "a", block: 2 }, { key: "a", block: 3, id: "other" });
    await outbox.append({ key: "b", block: 4 });
    expect(await look()).toEqual({ captured: 1, unconfirmed: 1 });
    expect(await readJournal(db, publication)).toEqual([
      ["a", 1, "e-1-0"],
      ["a", 2, "e-2-0"],
      ["a", 3, "e-3-0"],
      ["b", 1, "e-4-0"],
    ]);
    await outbox.rollBackTo(2);
    await outbox.append({ key: "a", block: 3 }, { key: "b", block: 4 }, { key: "a", block: 5 });
    expect(await look()).toEqual({ captured: 1, unconfirmed: 0 });
    expect((await readJournal(db, publication)).slice(0, 4)).toEqual([
      ["a", 1, "e-1-0"],
      ["a", 2, "e-2-0"],
      ["a", 3, "e-3-0"],
      ["a", 4, "e-5-0"],
    ]);
  });

  test("a rollback that the tip survives unseen costs nothing: the same rows come back [G-1]", async () => {
    const { publication, look } = await publish();
    await outbox.append({ key: "a", block: 1 }, { key: "a", block: 2 });
    await look();
    await outbox.rollBackTo(0);
    await outbox.append({ key: "a", block: 1 }, { key: "a", block: 2 }, { key: "a", block: 3 });
    expect(await look()).toEqual({ captured: 1, unconfirmed: 0 });
    expect(await readJournal(db, publication)).toHaveLength(3);
  });

  test("reads another deployment from its beginning and takes only what is new in it [G-6]", async () => {
    const { publication, look } = await publish();
    await outbox.append({ key: "a", block: 2 });
    await look();
    await outbox.append({ key: "b", block: 1 });
    expect(await look(100, undefined, "build-2")).toEqual({ captured: 1, unconfirmed: 0 });
    expect(await readJournal(db, publication)).toEqual([
      ["a", 1, "e-2-0"],
      ["b", 1, "e-1-0"],
    ]);
  });

  test("refuses other bytes under a known event id and writes nothing [G-2]", async () => {
    const { publication, look } = await publish();
    await outbox.append({ key: "a", block: 1 });
    await look();
    await outbox.rollBackTo(0);
    await outbox.append({ key: "a", block: 1, body: "{}" }, { key: "a", block: 2 });
    await expect(look(100, undefined, "build-2")).rejects.toThrow(JournalConflict);
    expect(await readJournal(db, publication)).toEqual([["a", 1, "e-1-0"]]);
  });

  test("captures nothing for somebody who is not the leader any more [G-13]", async () => {
    const { publication, look } = await publish();
    await outbox.append({ key: "a", block: 1 });
    await sql`update relay.lease set epoch = epoch + 1 where partition = -1`.execute(db);
    expect(await look()).toEqual({ captured: 0, unconfirmed: 0 });
    expect(await readJournal(db, publication)).toEqual([]);
  });

  test("spreads events over hashed keys where a publication has a fixed number of them", async () => {
    const { publication, look } = await publish({
      topic: "hashed",
      finality: "latest",
      keyCount: 2,
    });
    await outbox.append(
      ...Array.from({ length: 12 }, (_, at) => ({ key: `k${at}`, block: at + 1 })),
    );
    await look();
    const journal = await readJournal(db, publication);
    expect(new Set(journal.map(([key]) => key))).toEqual(new Set(["h0", "h1"]));
    for (const key of ["h0", "h1"]) {
      const sequences = journal.filter(([own]) => own === key).map(([, sequence]) => sequence);
      expect(sequences).toEqual(sequences.map((_, at) => at + 1));
    }
  });
});
