import { type Kysely, sql } from "kysely";
import type pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ensureHistoryIndex } from "../../packages/relay/feed/history-index.ts";
import { numberHistory } from "../../packages/relay/feed/number-history.ts";
import { migrate } from "../../packages/relay/journal/migrate.ts";
import type { Publication } from "../../packages/relay/journal/publication.ts";
import type { Lease } from "../../packages/relay/leases/lease-keeper.ts";
import { publicationWithLeases, RelayWorld } from "../support/relay-world.ts";
import { undoFeed } from "../support/undo-feed.ts";

const world = new RelayWorld();
beforeAll(() => world.start());
afterAll(() => world.stop());

let db: Kysely<unknown>;
let pool: pg.Pool;
let publication: Publication;
let leader: Lease;

beforeEach(async () => {
  ({ db, pool } = await world.database());
  const made = await publicationWithLeases(db);
  publication = made.publication;
  leader = made.leases.leader(publication) as Lease;
});

/** Messages as a relay of before captured them: key, sequence, and the second of it. */
async function captured(...messages: [key: string, sequence: number, second: number][]) {
  for (const [key, sequence, second] of messages)
    await pool.query(
      `insert into relay.message (publication_id, ordering_key, sequence, event_id, chain_id,
         block_number, block_hash, position, body, source_attributes, captured_at)
       values ($1, $2, $3, $4, 1, 1, '0x1', $4, '{}', '{}', to_timestamp($5))`,
      [publication.id, key, sequence, `${key}-${sequence}`, second],
    );
  await pool.query(
    `insert into relay.ordering_key (publication_id, ordering_key, partition, last_sequence)
     select publication_id, ordering_key, 0, max(sequence) from relay.message group by 1, 2
     on conflict (publication_id, ordering_key) do update set last_sequence = excluded.last_sequence`,
  );
}

async function numberAll(limit: number): Promise<number> {
  await ensureHistoryIndex(db, new AbortController().signal);
  for (let pieces = 0; ; pieces++)
    if ((await numberHistory(db, publication, "one", leader, limit)) === null) return pieces;
}

async function feed(): Promise<string[]> {
  const { rows } = await pool.query(
    "select feed_offset, ordering_key, sequence from relay.feed order by feed_offset",
  );
  return rows.map((row) => `${row.feed_offset} ${row.ordering_key}${row.sequence}`);
}

async function ends(): Promise<[first: number, last: number, numberedTo: number]> {
  const { rows } = await pool.query(
    "select first_offset, last_offset, numbered_to from relay.feed_publication",
  );
  return [Number(rows[0].first_offset), Number(rows[0].last_offset), Number(rows[0].numbered_to)];
}

describe("messages of before the feed", () => {
  test("get their offsets in the order of capture, piece by piece, and what is captured meanwhile goes behind them", async () => {
    await undoFeed(pool);
    await captured(["a", 1, 10], ["b", 1, 11], ["a", 2, 12], ["c", 1, 13], ["b", 2, 14]);
    await migrate(db);
    expect(await ends()).toEqual([1, 5, 0]);
    await captured(["a", 3, 15]);
    expect(await ends()).toEqual([1, 6, 0]);
    await ensureHistoryIndex(db, new AbortController().signal);
    await numberHistory(db, publication, "one", leader, 2);
    expect(await ends()).toEqual([1, 6, 2]);
    // A reader sees no more than what has no gap before it.
    expect(await feed()).toEqual(["1 a1", "2 b1"]);
    await captured(["d", 1, 16]);
    await numberAll(2);
    expect(await feed()).toEqual(["1 a1", "2 b1", "3 a2", "4 c1", "5 b2", "6 a3", "7 d1"]);
    expect(await ends()).toEqual([1, 7, 7]);
  });

  test("are in sequence within a key also where the clock went back, whatever the size of a piece", async () => {
    const messages: [string, number, number][] = [];
    for (let n = 1; n <= 40; n++)
      messages.push(["a", n, n <= 20 ? 100 + n : n], ["b", n, (n * 7) % 41], ["c", n, n]);

    for (const limit of [2, 3, 7, 50, 1_000]) {
      await undoFeed(pool);
      await pool.query("truncate relay.message, relay.ordering_key");
      await captured(...messages);
      await migrate(db);
      await numberAll(limit);
      const entries = await feed();
      expect(entries.map((entry) => Number(entry.split(" ")[0]))).toEqual(
        messages.map((_, index) => index + 1),
      );
      for (const key of ["a", "b", "c"]) {
        const own = entries.flatMap((entry) => entry.split(` ${key}`)[1] ?? []);
        expect(own.map(Number)).toEqual(own.map((_, index) => index + 1));
      }
    }
  });

  test("get none from somebody who is not the leader any more", async () => {
    await undoFeed(pool);
    await captured(["a", 1, 10]);
    await migrate(db);
    const former = { ...leader, epoch: leader.epoch - 1 };
    expect(await numberHistory(db, publication, "one", former, 10)).toBeNull();
    expect(await ends()).toEqual([1, 1, 0]);
  });

  test("that the keys count and the journal lacks are named, and no offset is passed over", async () => {
    await undoFeed(pool);
    await captured(["a", 1, 10], ["a", 2, 11]);
    await pool.query("delete from relay.message where sequence = 2");
    await migrate(db);
    await captured(["b", 1, 12]);
    await expect(numberAll(10)).rejects.toThrow(/count 2 messages .* and there are 1/);
    expect(await ends()).toEqual([1, 3, 1]);
  });

  test("are looked at along an index, a piece at a time", async () => {
    await undoFeed(pool);
    await migrate(db);
    await ensureHistoryIndex(db, new AbortController().signal);
    const { rows } = await sql<{ indisvalid: boolean }>`
      select indisvalid from pg_index where indexrelid = 'relay.message_history'::regclass`.execute(
      db,
    );
    expect(rows).toEqual([{ indisvalid: true }]);
  });
});
