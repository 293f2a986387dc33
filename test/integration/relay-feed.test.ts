import { setImmediate } from "node:timers/promises";
import type { Kysely } from "kysely";
import type pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ponderOutbox } from "../../engine/outbox-source.ts";
import { capture } from "../../packages/relay/capture/capture.ts";
import type { Publication } from "../../packages/relay/journal/publication.ts";
import { sentAttributes } from "../../packages/relay/journal/sent-attributes.ts";
import type { Lease, LeaseKeeper } from "../../packages/relay/leases/lease-keeper.ts";
import { readUnconfirmed, retract } from "../../packages/relay/reorg/reconcile.ts";
import { FeedReader } from "../support/feed-reader.ts";
import { publicationWithLeases, RelayWorld } from "../support/relay-world.ts";
import { StandInOutbox } from "../support/stand-in-outbox.ts";

const CHAINS = [1, 2, 3];
const BLOCKS = 15;
const KEYS = ["a", "b", "c", "d"];

const world = new RelayWorld();
const source = ponderOutbox();
beforeAll(() => world.start());
afterAll(() => world.stop());

let db: Kysely<unknown>;
let pool: pg.Pool;
let outbox: StandInOutbox;
let publication: Publication;
let leases: LeaseKeeper;

beforeEach(async () => {
  ({ db, pool } = await world.database());
  outbox = await StandInOutbox.create(pool);
  ({ publication, leases } = await publicationWithLeases(db));
});

/** Each commit takes its time, so that those who write at once end in any order. */
async function slowCommits(): Promise<void> {
  await pool.query(`
    create function take_time() returns trigger language plpgsql as $$
      begin perform pg_sleep(random() * 0.006); return null; end $$;
    create constraint trigger take_time after insert on relay.message
      deferrable initially deferred for each row execute function take_time()`);
}

/** The bug that gapless numbers invite: a sequence, whose numbers are given before the commit. */
async function numberBySequence(): Promise<void> {
  await pool.query(`
    create sequence given;
    create or replace function relay.number_messages() returns trigger language plpgsql as $$
    begin
      insert into relay.feed_entry (publication_id, feed_offset, ordering_key, sequence)
      select publication_id, nextval('given'), ordering_key, sequence from written;
      insert into relay.feed_counter as c (publication_id, last_offset)
      select publication_id, 1000000 from written limit 1 on conflict do nothing;
      return null;
    end $$`);
}

const UNIQUE_VIOLATION = "23505";

/** Whoever comes second finds it in the journal. */
async function unlessSomebodyDid(work: Promise<unknown>): Promise<void> {
  await work.catch((error: { code?: string }) => {
    if (error.code !== UNIQUE_VIOLATION) throw error;
  });
}

async function look(chain: number): Promise<void> {
  await unlessSomebodyDid(
    capture(db, {
      ...{ source, publication, instance: leases.instance, limit: 3 },
      leader: leases.leader(publication) as Lease,
      line: { line: String(chain), edition: "build-1", final: null, cleared: null },
    }),
  );
}

async function retractUnconfirmed(chain: number): Promise<void> {
  const events = await readUnconfirmed(db, source, publication, String(chain), 100);
  const leader = leases.leader(publication) as Lease;
  const { instance } = leases;
  await unlessSomebodyDid(retract(db, { source, publication, instance, leader, events }));
}

async function count(kind: string, eventIds: string[]): Promise<number> {
  const { rows } = await pool.query(
    "select count(*)::int as n from relay.message where kind = $1 and event_id = any ($2)",
    [kind, eventIds],
  );
  return rows[0].n;
}

/** A chain that grows, and now and then drops its last block and has it again. */
async function growChain(chain: number): Promise<void> {
  for (let block = 1; block <= BLOCKS; block++) {
    const rows = KEYS.map((key, index) => {
      const id = `e-${chain}-${block}-${index}`;
      return { key: `${chain}:${key}`, block, index, chain, id };
    });
    await outbox.append(...rows);
    await outbox.moveTo({ latest: block, finalized: 0, chain });
    if (block % 5 !== chain) continue;
    const ids = rows.map(({ id }) => id);
    while ((await count("event", ids)) < ids.length) await look(chain);
    await pool.query("delete from escrow.outbox where chain_id = $1 and block_number = $2", [
      chain,
      block,
    ]);
    while ((await count("retraction", ids)) < ids.length)
      await Promise.all([look(chain), retractUnconfirmed(chain)]);
    await outbox.append(...rows);
  }
}

/** Two leaders that overlap, each looking at all chains; and retractions at the same time. */
async function writeTheFeed(): Promise<void> {
  let isGrowing = true;
  const leaders = [1, 2].map(async () => {
    while (isGrowing) {
      await Promise.all(CHAINS.map(look));
      await setImmediate();
    }
  });
  await Promise.all(CHAINS.map(growChain));
  isGrowing = false;
  await Promise.all(leaders);
  for (let before = -1; ; ) {
    const { rows } = await pool.query("select count(*)::int as n from relay.message");
    if (rows[0].n === before) break;
    before = rows[0].n;
    for (const chain of CHAINS) await look(chain);
  }
}

async function readWhileWriting(): Promise<FeedReader> {
  const reader = new FeedReader(pool, publication.id);
  reader.start();
  await writeTheFeed();
  await reader.stop();
  return reader;
}

/** Events, retractions, and what came back: bytes and attributes are those that Pub/Sub gets. */
async function expectAsSent(): Promise<void> {
  const { rows } = await pool.query(
    `select m.kind, m.event_id, m.incarnation, m.sequence, m.source_attributes, m.body,
            f.attributes as shown, f.body as shown_body
     from relay.feed f join relay.message m using (publication_id, ordering_key, sequence)`,
  );
  expect(rows.some(({ incarnation }) => incarnation > 1)).toBe(true);
  for (const { shown, shown_body, ...row } of rows) {
    expect(shown).toEqual(sentAttributes(publication, row));
    expect(shown_body).toBe(row.body);
  }
}

describe("the feed", () => {
  test("shows a reader every message once, without a gap, while leaders overlap and events are retracted [G-24]", async () => {
    await slowCommits();
    const { entries, problems } = await readWhileWriting();
    expect(problems).toEqual([]);
    const { rows } = await pool.query("select ordering_key, sequence from relay.message");
    expect(entries).toHaveLength(rows.length);
    expect(rows.length).toBeGreaterThan(CHAINS.length * BLOCKS * KEYS.length);
    expect(entries.filter(({ messageId }) => messageId.startsWith("retraction-"))).not.toEqual([]);
    for (const key of new Set(entries.map((entry) => entry.key))) {
      const own = entries.filter((entry) => entry.key === key);
      expect(own.map(({ sequence }) => sequence)).toEqual(own.map((_, at) => at + 1));
    }
    await expectAsSent();
  });

  test("would show gaps if its numbers were given before the commit that they belong to", async () => {
    await slowCommits();
    await numberBySequence();
    const { problems } = await readWhileWriting();
    expect(problems).not.toEqual([]);
  });

  test("gives the offsets of what is rolled back to what is written next", async () => {
    await outbox.append({ key: "a", block: 1 }, { key: "b", block: 2 });
    const client = await pool.connect();
    await client.query("begin");
    await client.query(
      `insert into relay.message (publication_id, ordering_key, sequence, event_id, chain_id,
         block_number, block_hash, position, body, source_attributes)
       values ($1, 'z', 1, 'e-z', 9, 1, '0x1', '1', '{}', '{}')`,
      [publication.id],
    );
    const waiting = look(1);
    await client.query("rollback");
    client.release();
    await waiting;
    const reader = new FeedReader(pool, publication.id);
    await reader.stop();
    expect(reader.entries.map(({ offset, key }) => [offset, key])).toEqual([
      [1, "a"],
      [2, "b"],
    ]);
  });
});
