import { type Kysely, sql } from "kysely";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Publication } from "../../packages/relay/journal/publication.ts";
import { registerPublications } from "../../packages/relay/journal/publication.ts";
import {
  claim,
  markDoubted,
  markPublished,
  unclaim,
} from "../../packages/relay/publish/progress.ts";
import { openForTest, RelayWorld, startLeases } from "../support/relay-world.ts";
import { waitUntil } from "../support/wait-until.ts";

const LEASE_MS = 600;
const LIMITS = { keys: 100, messages: 100 };

const world = new RelayWorld();
beforeAll(() => world.start());
afterAll(() => world.stop());

let db: Kysely<unknown>;
let publication: Publication;
beforeEach(async () => {
  ({ db } = await world.database());
  const [first] = await registerPublications(db, [{ topic: "topic-a", finality: "latest" }]);
  if (first === undefined) throw new Error("no publication");
  publication = first;
  await openForTest(db);
});

/** Puts messages 1 … count of a key into the journal. */
async function journal(key: string, count: number, partition = 0): Promise<void> {
  await sql`
    insert into relay.ordering_key (publication_id, ordering_key, partition, last_sequence)
    values (${publication.id}, ${key}, ${partition}, ${count})`.execute(db);
  await sql`
    insert into relay.message (publication_id, ordering_key, sequence, event_id, chain_id,
                               block_number, block_hash, position, body,
                               source_attributes)
    select ${publication.id}, ${key}, n, ${key} || n, 1, n, 'hash', n::text, 'body', '{}'
    from generate_series(1, ${count}) n`.execute(db);
}

async function progress(key: string): Promise<object> {
  const { rows } = await sql<Record<string, string | boolean>>`
    select published_sequence, in_doubt_sequence, is_doubted from relay.ordering_key
    where ordering_key = ${key}`.execute(db);
  const [row] = rows;
  return {
    published: Number(row?.published_sequence),
    inDoubt: Number(row?.in_doubt_sequence),
    doubted: row?.is_doubted,
  };
}

describe("leases", () => {
  test("one instance alone takes every partition and the leadership", async () => {
    const one = await startLeases(db, "one", publication, LEASE_MS);
    expect(one.partitions(publication)).toHaveLength(32);
    expect(one.leader(publication)).not.toBeNull();
  });

  test("a second instance gets its fair share, each partition has one owner", async () => {
    const one = await startLeases(db, "one", publication, LEASE_MS);
    const two = await startLeases(db, "two", publication, LEASE_MS);
    await waitUntil("both have half", () => {
      const [a, b] = [one, two].map((each) => each.partitions(publication).length);
      return a === 16 && b === 16;
    });
    const owned = [one, two].flatMap((each) =>
      each.partitions(publication).map(({ partition }) => partition),
    );
    expect(new Set(owned).size).toBe(32);
  });

  test("giving back on a clean stop frees everything at once, without waiting for expiry", async () => {
    const one = await startLeases(db, "one", publication, 60_000);
    one.stop();
    await one.giveBack();
    const two = await startLeases(db, "two", publication, 60_000);
    expect(two.partitions(publication)).toHaveLength(32);
  });

  test("leases of an instance that died are taken over when they expire, with a new epoch", async () => {
    const one = await startLeases(db, "one", publication, LEASE_MS);
    one.stop();
    const epochs = one.partitions(publication).map(({ epoch }) => epoch);
    const two = await startLeases(db, "two", publication, LEASE_MS);
    await waitUntil("everything is taken over", () => two.partitions(publication).length === 32);
    expect(Math.min(...two.partitions(publication).map(({ epoch }) => epoch))).toBeGreaterThan(
      Math.max(...epochs),
    );
    expect(one.partitions(publication)).toEqual([]);
  });

  test("what a former owner had under way counts as doubted after a takeover", async () => {
    await journal("k", 3);
    const one = await startLeases(db, "one", publication, LEASE_MS);
    await claim(db, publication, "one", one.partitions(publication), "", LIMITS);
    one.stop();
    const two = await startLeases(db, "two", publication, LEASE_MS);
    await waitUntil("everything is taken over", () => two.partitions(publication).length === 32);
    expect(await progress("k")).toEqual({ published: 0, inDoubt: 3, doubted: true });
    expect(await claim(db, publication, "two", two.partitions(publication), "", LIMITS)).toEqual(
      [],
    );
  });
});

describe("bookkeeping", () => {
  test("a claim records the batch as in doubt before it is sent, and nobody claims it again [G-3]", async () => {
    await journal("k", 3);
    const one = await startLeases(db, "one", publication, 60_000);
    const leases = one.partitions(publication);
    const [batch] = await claim(db, publication, "one", leases, "", LIMITS);
    expect(batch?.messages.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
    expect(await progress("k")).toEqual({ published: 0, inDoubt: 3, doubted: false });
    expect(await claim(db, publication, "one", leases, "", LIMITS)).toEqual([]);
  });

  test("a mark moves a key on to its next messages", async () => {
    await journal("k", 3);
    const one = await startLeases(db, "one", publication, 60_000);
    const leases = one.partitions(publication);
    const [batch] = await claim(db, publication, "one", leases, "", { keys: 1, messages: 2 });
    if (batch === undefined) throw new Error("nothing claimed");
    await markPublished(db, publication, "one", [{ ...batch, sequence: 2 }]);
    expect(await progress("k")).toEqual({ published: 2, inDoubt: 2, doubted: false });
    const [next] = await claim(db, publication, "one", leases, "", LIMITS);
    expect(next?.messages.map(({ sequence }) => sequence)).toEqual([3]);
  });

  test("whoever lost the lease can claim, mark, doubt and unclaim nothing [G-13]", async () => {
    await journal("k", 3);
    await journal("other", 1, 1);
    const one = await startLeases(db, "one", publication, 60_000);
    const leases = one.partitions(publication);
    const [batch] = await claim(db, publication, "one", leases, "", { keys: 1, messages: 9 });
    if (batch === undefined) throw new Error("nothing claimed");
    await sql`update relay.lease set owner = 'two', epoch = epoch + 1`.execute(db);
    const before = await progress("k");
    const outcome = { ...batch, sequence: 3 };
    await markPublished(db, publication, "one", [outcome]);
    await markDoubted(db, publication, "one", outcome);
    await unclaim(db, publication, "one", outcome, null);
    expect(await claim(db, publication, "one", leases, "", LIMITS)).toEqual([]);
    expect(await progress("k")).toEqual(before);
  });

  test("the same instance cannot use a lease that it lost and took again under a new epoch [G-13]", async () => {
    await journal("k", 3);
    const one = await startLeases(db, "one", publication, 60_000);
    const leases = one.partitions(publication);
    await sql`update relay.lease set epoch = epoch + 1`.execute(db);
    expect(await claim(db, publication, "one", leases, "", LIMITS)).toEqual([]);
  });

  test("a doubted key is not marked by its late owner: the receipts decide", async () => {
    await journal("k", 3);
    const one = await startLeases(db, "one", publication, 60_000);
    const [batch] = await claim(db, publication, "one", one.partitions(publication), "", LIMITS);
    if (batch === undefined) throw new Error("nothing claimed");
    await markDoubted(db, publication, "one", { ...batch, sequence: 3 });
    await markPublished(db, publication, "one", [{ ...batch, sequence: 3 }]);
    expect(await progress("k")).toEqual({ published: 0, inDoubt: 3, doubted: true });
  });
});
