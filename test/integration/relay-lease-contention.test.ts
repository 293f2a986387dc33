import { type Kysely, sql } from "kysely";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { recordReceipts } from "../../packages/relay/doubt/doubt.ts";
import {
  type Publication,
  registerPublications,
} from "../../packages/relay/journal/publication.ts";
import { LeaseKeeper } from "../../packages/relay/leases/lease-keeper.ts";
import { type LogLine, recordingLog } from "../support/recording-log.ts";
import { RelayWorld } from "../support/relay-world.ts";
import { waitUntil } from "../support/wait-until.ts";

const KEEPERS = 6;
/** So short that every lease and every instance has expired by the next turn of anybody. */
const LEASE_MS = 1;
const TAKEOVERS = 300;
const KEYS = 320;

const world = new RelayWorld();
beforeAll(() => world.start());
afterAll(() => world.stop());

let db: Kysely<unknown>;
let publications: Publication[];
beforeEach(async () => {
  ({ db } = await world.database());
  publications = await registerPublications(db, [
    { topic: "topic-a", finality: "latest" },
    { topic: "topic-b", finality: "finalized" },
  ]);
});

/**
 * Lets keepers take over from each other again and again, until one of them could not.
 *
 * @returns what they logged as an error
 */
async function contend(): Promise<LogLine[]> {
  const { log, lines } = recordingLog();
  const errors = (): LogLine[] => lines.filter(({ level }) => level === 50);
  const keepers = Array.from({ length: KEEPERS }, (_, n) => {
    const options = { leaseMs: LEASE_MS, inFlight: () => 0, onChange: () => undefined };
    return new LeaseKeeper({ db, instance: `instance-${n}`, publications, log, ...options });
  });
  const running = Promise.all(keepers.map((keeper) => keeper.run()));
  const stop = async (): Promise<void> => {
    for (const keeper of keepers) keeper.stop();
    await running;
  };
  onTestFinished(stop);
  await waitUntil("they took over from each other", async () => {
    const { rows } = await sql<{ n: number }>`
      select max(epoch)::int as n from relay.lease`.execute(db);
    return (rows[0]?.n ?? 0) >= TAKEOVERS || errors().length > 0;
  });
  await stop();
  await Promise.all(keepers.map((keeper) => keeper.giveBack()));
  return errors();
}

test("instances whose leases all expire under each other take them over without a deadlock", async () => {
  expect(await contend()).toEqual([]);
  const { rows } = await sql`select from relay.lease where owner is not null`.execute(db);
  expect(rows).toEqual([]);
});

test("an instance that ends gives back also what it could not renew in its last turn", async () => {
  const { log } = recordingLog();
  const leaseMs = 900;
  const options = { leaseMs, inFlight: () => 0, onChange: () => undefined };
  const keeper = new LeaseKeeper({ db, instance: "one", publications, log, ...options });
  const running = keeper.run();
  onTestFinished(() => {
    keeper.stop();
    return running;
  });
  await waitUntil("it has them", () => keeper.count > 1);
  const all = keeper.count;
  await db.transaction().execute(async (tx) => {
    // As another instance that looks for free leases, and takes fewer than it looked at.
    await sql`select from relay.lease order by publication_id, partition limit 1 for update`.execute(
      tx,
    );
    await waitUntil("a turn passed the locked one over", () => keeper.count === all - 1);
    keeper.stop();
    await running;
  });
  await keeper.giveBack();
  const { rows } = await sql`select from relay.lease where owner is not null`.execute(db);
  expect(rows).toEqual([]);
});

test("a takeover of keys under way does not deadlock with whoever writes their receipts down", async () => {
  const [publication] = publications;
  if (publication === undefined) throw new Error("no publication");
  const keys = Array.from({ length: KEYS }, (_, n) => `key-${String(n).padStart(4, "0")}`);
  // Partitions and rows the other way round than keys: in the order of either, locks would cross.
  await sql`
    insert into relay.ordering_key
      (publication_id, ordering_key, partition, last_sequence, in_doubt_sequence)
    select ${publication.id}, key, 31 - (nth - 1) * 32 / ${KEYS}, 1000000, 1000000
    from unnest(${keys}::text[]) with ordinality as k (key, nth)
    order by key desc`.execute(db);
  let isOver = false;
  const writeReceipts = async (): Promise<void> => {
    for (let sequence = 1; !isOver; sequence++)
      await recordReceipts(
        db,
        publication,
        keys.map((orderingKey) => ({ orderingKey, sequence })),
      );
  };
  const contending = contend().finally(() => {
    isOver = true;
  });
  const [errors] = await Promise.all([contending, writeReceipts()]);
  expect(errors).toEqual([]);
});
