import { type PubsubServer, startPubsubServer } from "@escrow-stream/pubsub-emulator";
import { type Kysely, sql } from "kysely";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { auditTopic, createAuditSubscription } from "../../packages/relay/audit/audit-topic.ts";
import { registerPublications } from "../../packages/relay/journal/publication.ts";
import { PubsubTopics } from "../../packages/relay/publish/pubsub-topics.ts";
import { RelayWorld } from "../support/relay-world.ts";

process.env.METADATA_SERVER_DETECTION = "none";

const TOPIC = "topic-a";
const SUBSCRIPTION = "topic-a.audit";
const world = new RelayWorld();
let server: PubsubServer;
let topics: PubsubTopics;
let db: Kysely<unknown>;
let projects = 0;
let pubsub: { projectId: string; emulatorHost: string };

beforeAll(async () => {
  await world.start();
  server = await startPubsubServer();
});
afterAll(async () => {
  await server.stop();
  await world.stop();
});
beforeEach(async () => {
  ({ db } = await world.database());
  pubsub = { projectId: `project-${++projects}`, emulatorHost: server.address };
  topics = new PubsubTopics(pubsub);
  await topics.ensure(TOPIC, true);
  await registerPublications(db, [{ topic: TOPIC, finality: "latest" }]);
});

function message(sequence: number) {
  const attributes = {
    event_id: `e${sequence}`,
    sequence: String(sequence),
    publication: TOPIC,
    finality: "provisional",
  };
  return { sequence, body: `{"n":${sequence}}`, attributes };
}

async function publish(...sequences: number[]): Promise<void> {
  for (const sequence of sequences) await topics.publish(TOPIC, "k", [message(sequence)], 5_000);
}

/** Says in the journal that messages 1 … count of the key were captured and published. */
async function journal(count: number): Promise<void> {
  await sql`
    insert into relay.ordering_key (publication_id, ordering_key, partition, last_sequence,
                                    in_doubt_sequence, published_sequence)
    values (1, 'k', 0, ${count}, ${count}, ${count})`.execute(db);
  for (let sequence = 1; sequence <= count; sequence++) {
    const { body, attributes } = message(sequence);
    await sql`
      insert into relay.message (publication_id, ordering_key, sequence, event_id, chain_id,
        block_number, block_hash, position, body, source_attributes, captured_at)
      values (1, 'k', ${sequence}, ${attributes.event_id}, 1, 1, 'hash', 'position', ${body},
              ${JSON.stringify(attributes)}::jsonb, now() + interval '1 minute')`.execute(db);
  }
}

async function findings(): Promise<string[]> {
  const options = { topic: TOPIC, subscription: SUBSCRIPTION, idleMs: 500, onProgress: () => {} };
  const { judge } = await auditTopic(db, pubsub, options);
  return judge.findings.map(({ kind, eventId }) => `${kind} ${eventId}`);
}

describe("the auditor of a topic", () => {
  beforeEach(() => createAuditSubscription(pubsub, TOPIC, SUBSCRIPTION));

  test("finds nothing wrong where there is nothing, each time that it is asked", async () => {
    await publish(1, 2, 3);
    await topics.publishBarrier(TOPIC, "k", "a barrier", 5_000);
    await journal(3);
    expect(await findings()).toEqual([]);
    expect(await findings()).toEqual([]);
  });

  test("names what is lost, what is there twice, and what the journal does not know", async () => {
    await publish(1, 3, 3, 9);
    await journal(4);
    expect((await findings()).sort()).toEqual([
      "duplicated e3",
      "gap e2",
      "lost e2",
      "lost e4",
      "unknown e9",
    ]);
  });

  test("names messages whose bytes differ", async () => {
    await publish(1);
    await journal(1);
    await sql`update relay.message set body = '{"n":2}'`.execute(db);
    expect(await findings()).toEqual(["differing e1"]);
  });
});

test("an audit without a subscription says how to create it", async () => {
  await expect(findings()).rejects.toThrow(/Create it with --create/);
});
