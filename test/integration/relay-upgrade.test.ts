import type { RelayParts } from "@escrow-stream/relay";
import type pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Receipts } from "../../packages/relay/doubt/receipts.ts";
import { restoreJournal } from "../support/journal-backup.ts";
import { RelayBed } from "../support/relay-bed.ts";
import {
  event,
  expectEachOnce,
  haltedReason,
  publishBeyondTheBackup,
  published,
  subscribe,
} from "../support/restore-story.ts";
import { undoFeed } from "../support/undo-feed.ts";
import { waitUntil } from "../support/wait-until.ts";

const bed = new RelayBed();
beforeAll(() => bed.start());
afterAll(() => bed.stop());
beforeEach(() => bed.renew());

/** Makes the journal what it was before migration 0003: rows hold all that they are sent with. */
async function undoSource(pool: pg.Pool): Promise<void> {
  await undoFeed(pool);
  await pool.query(`
    delete from relay.addition;
    delete from relay.kysely_migration where name = '0003-source';
    alter table relay.publication drop column halted_for;
    alter table relay.message rename column source_attributes to attributes;
    update relay.message m
    set attributes = attributes
      || case when kind = 'retraction' or incarnation = 1 then '{}'::jsonb else jsonb_build_object(
           'event_id', event_id || '#' || incarnation,
           'ce-id', event_id || '#' || incarnation,
           'incarnation', incarnation::text) end
      || jsonb_build_object('sequence', sequence::text, 'publication', p.topic,
           'finality', case p.finality when 'finalized' then 'final' else 'provisional' end)
    from relay.publication p where p.id = m.publication_id;
    alter table relay.message
      alter column block_number set not null, alter column block_hash set not null`);
}

/** Makes the journal what it was before migration 0002, with the rows that it has. */
async function undoKnownIn(pool: pg.Pool): Promise<void> {
  await undoSource(pool);
  await pool.query(`
    delete from relay.kysely_migration where name = '0002-known-in';
    alter table relay.message drop column has_position;
    alter table relay.publication
      drop column known_in, drop column receipts_mark, drop column receipts_marked_at;
    drop function relay.database_identity();
    drop table relay.database`);
}

/** A relay of then put no marks on its topic. The first seek takes no effect before the second. */
function withoutMarks(): { standBetween: (parts: RelayParts) => void; readAgain: () => number } {
  let count = 0;
  const standBetween = ({ receipts }: RelayParts): void => {
    const pull = receipts.pull.bind(receipts);
    const readAgain = receipts.readAgain.bind(receipts);
    receipts.pull = async (...args) =>
      (await pull(...args)).map((receipt) =>
        receipt.barrier === "first" ? { ...receipt, barrier: "of somebody else" } : receipt,
      );
    receipts.readAgain = (...args) => {
      count += 1;
      return count === 1 ? Promise.resolve() : readAgain(...args);
    };
  };
  return { standBetween, readAgain: () => count };
}

describe("a journal that does not say yet in which database it was known to be complete", () => {
  test("is compared with its topic when it is upgraded in place, and goes on", async () => {
    const seen = await subscribe(bed);
    const stop = bed.startRelay();
    await bed.outbox.append(event("a", 1), event("b", 1, 1));
    await published(bed, 2);
    await stop();
    await undoKnownIn(bed.pool);
    await bed.outbox.append(event("a", 2));
    const { standBetween, readAgain } = withoutMarks();
    bed.startRelay({}, undefined, standBetween);
    await published(bed, 3);
    await waitUntil("the new one came", () => seen.length >= 3);
    expectEachOnce(seen, 3);
    expect(readAgain()).toBeGreaterThan(0);
  });

  test("publishes nothing a second time when it is older than its topic [G-12]", async () => {
    const { seen, stop } = await publishBeyondTheBackup(bed);
    await stop();
    await restoreJournal(bed.pool);
    await undoKnownIn(bed.pool);
    // As it is some seconds later: nothing comes by itself any more.
    const receipts = new Receipts(bed.config().pubsub, 3_600_000);
    await receipts.purge("topic-a", Date.now() + 60_000);
    await receipts.close();
    await bed.outbox.append(event("a", 4));
    const env = { RELAY_RECEIPTS_DELAY_MS: "3000" };
    bed.startRelay(env, undefined, withoutMarks().standBetween);
    expect(await haltedReason(bed)).toContain("do not reach back to its beginning");
    expectEachOnce(seen, 6);
  });

  test("is new when nothing was ever captured", async () => {
    const seen = await subscribe(bed);
    const stop = bed.startRelay();
    await waitUntil("it is known", async () => {
      const { rows } = await bed.pool.query("select known_in from relay.publication");
      return rows[0]?.known_in;
    });
    await stop();
    await undoKnownIn(bed.pool);
    await bed.outbox.append(event("a", 1));
    bed.startRelay({}, undefined, withoutMarks().standBetween);
    await published(bed, 1);
    await waitUntil("it came", () => seen.length >= 1);
    const { rows } = await bed.pool.query("select receipts_mark from relay.publication");
    expect(rows[0].receipts_mark).not.toBeNull();
  });
});

describe("a journal whose rows hold all attributes that they are sent with", () => {
  const ofBlock = (block: number) => event("a", block);

  test("publishes what it captured with the bytes that it would have had, and what comes later alike", async () => {
    const seen = await bed.subscribe(({ attributes, data }) => ({
      attributes: { ...attributes },
      body: data.toString(),
    }));
    const replaced = new Set<number>();
    const evidence = {
      isReplaced: async (_: number, block: number) => replaced.has(block),
      isCanonical: async (_: number, block: number) => !replaced.has(block),
    };
    const stop = bed.startRelay({}, evidence);
    await bed.outbox.append(ofBlock(1), ofBlock(2));
    await published(bed, 2);
    // The block is dropped and comes back: a retraction, and a second incarnation.
    replaced.add(2);
    await bed.outbox.rollBackTo(1);
    await published(bed, 3);
    replaced.clear();
    await bed.outbox.append(ofBlock(2));
    await published(bed, 4);
    bed.fault = () => Promise.reject(Object.assign(new Error("not now"), { code: 14 }));
    await bed.outbox.append(ofBlock(3));
    await waitUntil("it is captured", async () => {
      const { rows } = await bed.pool.query("select count(*)::int as n from relay.message");
      return rows[0].n === 5;
    });
    await stop();
    await undoSource(bed.pool);
    bed.fault = null;
    bed.startRelay({}, evidence);
    await bed.outbox.append(ofBlock(4));
    await published(bed, 6);
    // And what an upgraded journal has is retracted with the bytes that follow from its messages.
    replaced.add(4);
    await bed.outbox.rollBackTo(3);
    await published(bed, 7);
    await waitUntil("all came", () => seen.length >= 7);
    const place = (sequence: number) => ({
      sequence: String(sequence),
      publication: "topic-a",
      finality: "provisional",
    });
    const retraction = (id: string) => ({
      event_id: `retraction-1-${id}`,
      event_type: "EventRetracted",
      retracts: id,
    });
    expect(seen.map(({ attributes }) => attributes)).toEqual([
      { event_id: "e-1-0", ...place(1) },
      { event_id: "e-2-0", ...place(2) },
      { ...retraction("e-2-0"), ...place(3) },
      { event_id: "e-2-0#2", "ce-id": "e-2-0#2", incarnation: "2", ...place(4) },
      { event_id: "e-3-0", ...place(5) },
      { event_id: "e-4-0", ...place(6) },
      { ...retraction("e-4-0"), ...place(7) },
    ]);
    expect(seen[3]?.body).toBe(seen[1]?.body);
  });
});
