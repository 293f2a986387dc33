import { v1 } from "@google-cloud/pubsub";
import { Kysely, PostgresDialect } from "kysely";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ponderOutbox } from "../../engine/outbox-source.ts";
import { adoptSubscription } from "../../packages/relay/audit/adopt-subscription.ts";
import { createAuditSubscription } from "../../packages/relay/audit/audit-topic.ts";
import { clientOptions } from "../../packages/relay/publish/pubsub-endpoint.ts";
import { PubsubTopics } from "../../packages/relay/publish/pubsub-topics.ts";
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
import { waitUntil } from "../support/wait-until.ts";

const TOPIC = "topic-a";
const bed = new RelayBed();
beforeAll(() => bed.start());
afterAll(() => bed.stop());
beforeEach(() => bed.renew());

describe("a restored journal that its receipts cannot help", () => {
  test("halts its publication when the receipts are gone, and goes on by a person's word [G-12]", async () => {
    bed.topicKeepsSeconds = 0;
    const { seen, stop } = await publishBeyondTheBackup(bed, () =>
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
    expect(await haltedReason(bed)).toContain("do not reach back");
    expect(seen).toHaveLength(6);

    const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool: bed.pool }) });
    const [publication] = bed.config().publications;
    if (publication === undefined) throw new Error("no publication");
    const options = {
      source: ponderOutbox(),
      subscription: "everything",
      idleMs: 1_000,
      onProgress: () => undefined,
    };
    const { pubsub } = bed.config();
    expect(await adoptSubscription(db, pubsub, publication, options)).toEqual({
      read: 6,
      adopted: 4,
    });
    await published(bed, 7);
    await waitUntil("the new one came", () => seen.length >= 7);
    expectEachOnce(seen, 7);
    await expect(adoptSubscription(db, pubsub, publication, options)).rejects.toThrow(
      /known to be as new/,
    );
  });

  test("halts its publication when the topic holds something else", async () => {
    const { seen, stop } = await publishBeyondTheBackup(bed);
    await stop();
    await restoreJournal(bed.pool);
    const topics = new PubsubTopics(bed.config().pubsub);
    const attributes = { event_id: "e-9-0", sequence: "9", publication: TOPIC };
    const { body = "" } = event("a", 9);
    await topics.publish(TOPIC, "a", [{ sequence: 9, body, attributes }], 5_000);
    await topics.close();
    bed.startRelay();
    expect(await haltedReason(bed)).toContain("sequence 4 is neither in the journal");
    expect(seen).toHaveLength(7);
  });
});

describe("a journal that is as new as its topic", () => {
  test("reads nothing back at a restart of the relay", async () => {
    const { stop } = await publishBeyondTheBackup(bed);
    await stop();
    let readAgain = 0;
    bed.startRelay({}, undefined, ({ receipts }) => {
      receipts.readAgain = async () => {
        readAgain += 1;
      };
    });
    await bed.outbox.append(event("a", 4));
    await published(bed, 7);
    expect(readAgain).toBe(0);
  });

  test("is compared with the topic when PostgreSQL was started again, and goes on", async () => {
    const seen = await subscribe(bed);
    const stop = bed.startRelay();
    await bed.outbox.append(event("a", 1));
    await published(bed, 1);
    await bed.world.restart();
    await bed.outbox.append(event("a", 2));
    await published(bed, 2);
    await stop();
    expectEachOnce(seen, 2);
  });

  test("moves its mark behind what it published", async () => {
    await publishBeyondTheBackup(bed);
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
