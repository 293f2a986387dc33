import { v1 } from "@google-cloud/pubsub";
import { Kysely, PostgresDialect } from "kysely";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { adoptSubscription } from "../../relay/adopt-subscription.ts";
import { createAuditSubscription } from "../../relay/audit-topic.ts";
import type { BlockEvidence } from "../../relay/block-evidence.ts";
import { clientOptions } from "../../relay/pubsub-endpoint.ts";
import { PubsubTopics } from "../../relay/pubsub-topics.ts";
import type { RelayParts } from "../../relay/run-relay.ts";
import { backUpJournal, restoreJournal } from "../support/journal-backup.ts";
import { RelayBed } from "../support/relay-bed.ts";
import type { OutboxRow } from "../support/stand-in-outbox.ts";
import { waitUntil } from "../support/wait-until.ts";

const TOPIC = "topic-a";
const bed = new RelayBed();
beforeAll(() => bed.start());
afterAll(() => bed.stop());
beforeEach(() => bed.renew());

/** An event as the engine would write it: its body says where it was, but not at which position. */
function event(key: string, block: number, index = 0, id = `e-${block}-${index}`): OutboxRow {
  const body = {
    event_id: id,
    chain_id: 1,
    block_number: block,
    block_hash: `0x${block}`,
    block_timestamp: 1_700_000_000 + block,
    log_index: index + 7,
  };
  return { key, block, index, id, body: JSON.stringify(body) };
}

/** What an ordinary subscriber gets, as `<key>#<sequence> <event id>`. */
function subscribe(): Promise<string[]> {
  return bed.subscribe(
    ({ orderingKey, attributes }) => `${orderingKey}#${attributes.sequence} ${attributes.event_id}`,
  );
}

async function published(count: number): Promise<void> {
  await waitUntil(`${count} messages are published`, async () => {
    const { rows } = await bed.pool.query(
      `select sum(last_sequence)::int as captured, sum(published_sequence)::int as published,
              bool_or(published_sequence < in_doubt_sequence) as is_in_doubt
       from relay.ordering_key`,
    );
    const [{ captured, published: accepted, is_in_doubt }] = rows;
    return captured === count && accepted === count && !is_in_doubt;
  });
}

async function haltedReason(): Promise<string> {
  return await waitUntil("the publication is halted", async () => {
    const { rows } = await bed.pool.query("select halted_reason from relay.publication");
    return rows[0].halted_reason ?? undefined;
  });
}

/** Every event once, and each key without a gap and in sequence. */
function expectEachOnce(seen: string[], count: number): void {
  expect(new Set(seen).size).toBe(seen.length);
  expect(new Set(seen.map((one) => one.split(" ")[1])).size).toBe(seen.length);
  expect(seen).toHaveLength(count);
  for (const key of new Set(seen.map((one) => one.split("#")[0]))) {
    const own = seen.filter((one) => one.startsWith(`${key}#`));
    expect(own.map((one) => Number(one.split(/[# ]/)[1]))).toEqual(own.map((_, at) => at + 1));
  }
}

/** Two messages are in the backup, four more only on the topic. */
async function publishBeyondTheBackup(
  subscribeToo: () => Promise<void> = async () => undefined,
): Promise<{ seen: string[]; stop: () => Promise<void> }> {
  const seen = await subscribe();
  await subscribeToo();
  const stop = bed.startRelay();
  await bed.outbox.append(event("a", 1), event("b", 1, 1));
  await published(2);
  await backUpJournal(bed.pool);
  await bed.outbox.append(event("a", 2), event("a", 3), event("b", 3, 1), event("c", 3, 2));
  await published(6);
  return { seen, stop };
}

describe("a journal that is restored from an older backup", () => {
  test("learns from its receipts what was published since, and goes on behind it", async () => {
    const { seen, stop } = await publishBeyondTheBackup();
    await stop();
    await restoreJournal(bed.pool);
    await bed.outbox.append(event("a", 4), event("d", 4, 1));
    bed.startRelay();
    await published(8);
    await waitUntil("the new ones came", () => seen.length >= 8);
    expectEachOnce(seen, 8);
    expect(seen.filter((one) => one.startsWith("a"))).toEqual([
      "a#1 e-1-0",
      "a#2 e-2-0",
      "a#3 e-3-0",
      "a#4 e-4-0",
    ]);
    const { rows } = await bed.pool.query("select from relay.message where not has_position");
    expect(rows).toEqual([]);
  });

  test("may be restored under relays that run on", async () => {
    const { seen } = await publishBeyondTheBackup();
    bed.startRelay();
    await restoreJournal(bed.pool);
    await bed.outbox.append(event("a", 4), event("d", 4, 1));
    await published(8);
    await waitUntil("the new ones came", () => seen.length >= 8);
    expectEachOnce(seen, 8);
  });

  test("is brought up to date by one of two relays that start at once", async () => {
    const { seen, stop } = await publishBeyondTheBackup();
    await stop();
    await restoreJournal(bed.pool);
    bed.startRelay();
    bed.startRelay();
    await bed.outbox.append(event("a", 4), event("d", 4, 1));
    await published(8);
    await waitUntil("the new ones came", () => seen.length >= 8);
    expectEachOnce(seen, 8);
  });

  test("is brought up to date by the next relay when one ends in the middle of it", async () => {
    const { seen, stop } = await publishBeyondTheBackup();
    await stop();
    await restoreJournal(bed.pool);
    let adopted = 0;
    const dieBeforeAcknowledging = ({ receipts }: RelayParts): void => {
      receipts.acknowledge = async () => {
        adopted += 1;
        throw new Error("injected: ends here");
      };
    };
    const half = bed.startRelay({}, undefined, dieBeforeAcknowledging);
    await waitUntil("something was adopted", () => adopted > 0);
    await half();
    await bed.outbox.append(event("a", 4), event("d", 4, 1));
    bed.startRelay();
    await published(8);
    await waitUntil("the new ones came", () => seen.length >= 8);
    expectEachOnce(seen, 8);
  });

  test("learns of retractions and of events that came back, too", async () => {
    const seen = await subscribe();
    const replaced = new Set<string>();
    const chain: BlockEvidence = { isReplaced: async (_, __, hash) => replaced.has(hash) };
    const stop = bed.startRelay({}, chain);
    await bed.outbox.append(event("a", 1));
    await bed.outbox.moveTo({ latest: 1, finalized: 0 });
    await published(1);
    await backUpJournal(bed.pool);
    await bed.outbox.append(event("a", 2));
    await published(2);
    replaced.add("0x2");
    await bed.outbox.rollBackTo(1);
    await bed.outbox.append(event("a", 2, 1, "n-2"));
    await published(4);
    replaced.delete("0x2");
    await bed.outbox.rollBackTo(1);
    await bed.outbox.append(event("a", 2));
    replaced.add("0x2");
    await waitUntil("the other one is retracted", () =>
      seen.some((one) => one.includes("retraction-1-n-2")),
    );
    replaced.clear();
    await waitUntil("it is told again", () => seen.some((one) => one.endsWith("e-2-0#2")));
    await stop();
    const told = [...seen];
    await restoreJournal(bed.pool);
    await bed.outbox.append(event("a", 3));
    bed.startRelay({}, chain);
    await waitUntil("the new one came", () => seen.some((one) => one.endsWith(" e-3-0")));
    await published(told.length + 1);
    expect(seen.slice(0, told.length)).toEqual(told);
    expectEachOnce(seen, told.length + 1);
  });

  test("keeps a key waiting until a database that is older as well has its events again", async () => {
    const seen = await subscribe();
    const stop = bed.startRelay();
    await bed.outbox.append(event("a", 1));
    await published(1);
    await stop();
    const older = await bed.world.copy(bed.url);
    const again = bed.startRelay();
    await bed.outbox.append(event("a", 2), event("b", 2, 1));
    await published(3);
    await again();
    bed.moveTo(older);
    bed.startRelay();
    // Of key a something is missing in the outbox still; c has nothing to wait for.
    await bed.outbox.append(event("c", 4, 2), event("a", 4));
    await waitUntil("the other key went on", () => seen.includes("c#1 e-4-2"));
    expect(seen.filter((one) => one.startsWith("a"))).toEqual(["a#1 e-1-0", "a#2 e-2-0"]);
    await bed.outbox.append(event("a", 2), event("b", 2, 1));
    await waitUntil("it goes on", () => seen.includes("a#3 e-4-0"));
    expectEachOnce(seen, 5);
  });

  test("is found out, too, when the files of the whole cluster were put back", async () => {
    const seen = await subscribe();
    const stop = bed.startRelay();
    await bed.outbox.append(event("a", 1));
    await published(1);
    await stop();
    await bed.world.keepFiles();
    const again = bed.startRelay();
    await bed.outbox.append(event("a", 2), event("b", 2, 1));
    await published(3);
    await again();
    await bed.world.putFilesBack();
    await bed.outbox.append(event("a", 2), event("b", 2, 1), event("a", 3));
    bed.startRelay();
    await waitUntil("the new one came", () => seen.includes("a#3 e-3-0"));
    await published(4);
    expectEachOnce(seen, 4);
  });

  test("may be empty, while the receipts reach back to the topic's beginning", async () => {
    const { seen, stop } = await publishBeyondTheBackup();
    await stop();
    const { rows } = await bed.pool.query("select * from escrow.outbox order by position");
    expect(rows).toHaveLength(6);
    await bed.pool.query("drop schema relay cascade");
    await bed.outbox.append(event("a", 4));
    bed.startRelay();
    await waitUntil("the new one came", () => seen.includes("a#4 e-4-0"));
    await published(7);
    expectEachOnce(seen, 7);
  });

  test("halts its publication when the receipts are gone, and goes on by a person's word", async () => {
    const { seen, stop } = await publishBeyondTheBackup(() =>
      createAuditSubscription(bed.config().pubsub, TOPIC, "everything"),
    );
    await stop();
    await restoreJournal(bed.pool);
    const client = new v1.SubscriberClient(clientOptions(bed.config().pubsub));
    const { projectId } = bed.config().pubsub;
    const subscription = `projects/${projectId}/subscriptions/${TOPIC}.relay-receipts`;
    await client.deleteSubscription({ subscription });
    await client.close();
    await bed.outbox.append(event("a", 4));
    bed.startRelay();
    expect(await haltedReason()).toContain("do not reach back");
    expect(seen).toHaveLength(6);

    const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool: bed.pool }) });
    const [publication] = bed.config().publications;
    if (publication === undefined) throw new Error("no publication");
    const options = { subscription: "everything", idleMs: 1_000, onProgress: () => undefined };
    const { pubsub } = bed.config();
    expect(await adoptSubscription(db, pubsub, publication, options)).toEqual({
      read: 6,
      adopted: 4,
    });
    await published(7);
    await waitUntil("the new one came", () => seen.length >= 7);
    expectEachOnce(seen, 7);
    await expect(adoptSubscription(db, pubsub, publication, options)).rejects.toThrow(
      /known to be as new/,
    );
  });

  test("halts its publication when the topic holds something else", async () => {
    const { seen, stop } = await publishBeyondTheBackup();
    await stop();
    await restoreJournal(bed.pool);
    const topics = new PubsubTopics(bed.config().pubsub);
    const attributes = { event_id: "e-9-0", sequence: "9", publication: TOPIC };
    const { body = "" } = event("a", 9);
    await topics.publish(TOPIC, "a", [{ sequence: 9, body, attributes }], 5_000);
    await topics.close();
    bed.startRelay();
    expect(await haltedReason()).toContain("sequence 4 is neither in the journal");
    expect(seen).toHaveLength(7);
  });
});

describe("a journal that is as new as its topic", () => {
  test("reads nothing back at a restart of the relay", async () => {
    const { stop } = await publishBeyondTheBackup();
    await stop();
    let readAgain = 0;
    bed.startRelay({}, undefined, ({ receipts }) => {
      receipts.readAgain = async () => {
        readAgain += 1;
      };
    });
    await bed.outbox.append(event("a", 4));
    await published(7);
    expect(readAgain).toBe(0);
  });

  test("is compared with the topic when PostgreSQL was started again, and goes on", async () => {
    const seen = await subscribe();
    const stop = bed.startRelay();
    await bed.outbox.append(event("a", 1));
    await published(1);
    await bed.world.restart();
    await bed.outbox.append(event("a", 2));
    await published(2);
    await stop();
    expectEachOnce(seen, 2);
  });

  test("moves its mark behind what it published", async () => {
    await publishBeyondTheBackup();
    await waitUntil(
      "the mark has moved",
      async () => {
        const { rows } = await bed.pool.query(
          "select receipts_mark, receipts_marked_at from relay.publication",
        );
        return rows[0].receipts_mark !== "first" && rows[0].receipts_marked_at > new Date(2020, 1);
      },
      60_000,
    );
  });
});
