import {
  applyOnce,
  type Effect,
  inTransaction,
  MalformedMessage,
  PermanentFailure,
  type PubsubMessage,
  resolveDeadLetter,
  runConsumer,
} from "@escrow-stream/consumer";
import { startPubsubServer } from "@escrow-stream/pubsub-emulator";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { orderingKey as keyOf } from "../../packages/relay/capture/capture.ts";
import {
  type ConsumerDatabase,
  type Sandbox,
  startConsumerDatabase,
} from "../support/consumer-database.ts";
import { eventMessage, retractionMessage } from "../support/consumer-messages.ts";
import { kyselyOf } from "../support/kysely-of.ts";
import { ONCE, PubsubClients } from "../support/pubsub-clients.ts";
import { waitUntil } from "../support/wait-until.ts";

process.env.METADATA_SERVER_DETECTION = "none";

let database: ConsumerDatabase;

beforeAll(async () => {
  database = await startConsumerDatabase();
});
afterAll(() => database.stop());

const note =
  ({ options }: Sandbox): Effect =>
  async ({ messageId }, tx) => {
    await tx.query(`insert into ${options.schema}.effect (message_id) values ($1)`, [messageId]);
  };

const apply = (sandbox: Sandbox, message: PubsubMessage) =>
  inTransaction(database.pool, (tx) => applyOnce(tx, message, note(sandbox), sandbox.options));

const created = eventMessage({ sequence: 1, eventId: "a" });
const released = eventMessage({ sequence: 2, eventId: "b", eventType: "EscrowReleased" });

const having = (changes: Record<string, string>, orderingKey = "1:0xa"): PubsubMessage => ({
  ...released,
  orderingKey,
  attributes: { ...released.attributes, ...changes },
});

describe("What somebody else publishes to the topic", () => {
  test.each<[string, PubsubMessage]>([
    ["under another escrow's key", having({ sequence: "1" }, "1:0xb")],
    [
      "under another escrow's key and name",
      having({ sequence: "1", escrow_address: "0xb" }, "1:0xb"),
    ],
    ["under a hashed key", having({ sequence: "1" }, "h0")],
    ["of another chain", having({ sequence: "1", chain_id: "2" }, "2:0xa")],
    ["under another publication's name", having({ publication: "other.events", sequence: "1" })],
    ["of another finality", having({ finality: "final", sequence: "3" })],
    ["under another id", having({ event_id: "c", sequence: "3" })],
    ["as if it had come back", having({ incarnation: "2", sequence: "3" })],
    ["as another type", having({ event_type: "EscrowRefunded", sequence: "3" })],
    ["as a retraction", having({ retracts: "a", sequence: "3" })],
    ["as the next of its key", having({ sequence: "3" })],
    ["in the place of the next", { ...having({ sequence: "3" }), data: Buffer.from("{}") }],
  ])("%s is applied nowhere, and stands in no one's way [G-14]", async (_how, forged) => {
    const sandbox = await database.sandbox();
    for (const message of [created, released]) await apply(sandbox, message);
    await expect(apply(sandbox, forged)).rejects.toBeInstanceOf(MalformedMessage);
    await apply(sandbox, eventMessage({ sequence: 3, eventId: "real" }));
    await apply(sandbox, eventMessage({ key: "1:0xb", sequence: 1, eventId: "other" }));
    expect(await sandbox.applied()).toEqual(["a", "b", "real", "other"]);
  });

  test.each(["final", "provisional"])("retracts nothing that is final (%s)", async (finality) => {
    const sandbox = await database.sandbox({
      publication: { topic: "chain.events.v1", finality: "final" },
    });
    const attributes = { finality: "final" };
    await apply(sandbox, eventMessage({ sequence: 1, eventId: "a", attributes }));
    const retraction = retractionMessage({ sequence: 2, retracts: "a" });
    const told = { ...retraction, attributes: { ...retraction.attributes, finality } };
    await expect(apply(sandbox, told)).rejects.toBeInstanceOf(MalformedMessage);
    expect(await sandbox.applied()).toEqual(["a"]);
  });
});

test("Hashed keys are those of the relay, and no others", async () => {
  const keyCount = 7;
  const sandbox = await database.sandbox({
    publication: { topic: "chain.events.v1", finality: "provisional", keyCount },
  });
  const db = kyselyOf(database.url);
  for (const key of ["1:0xa", "10:0xb", "1:0xc"]) {
    const { rows } = await sql<{ key: string }>`
      select ${keyOf({ keyCount })} as key from (select ${key} as ordering_key) o`.execute(db);
    const orderingKey = rows[0]?.key ?? "";
    const message = eventMessage({ key, sequence: 1, eventId: key });
    await expect(apply(sandbox, message)).rejects.toBeInstanceOf(MalformedMessage);
    await expect(
      apply(sandbox, { ...message, orderingKey: `h${(Number(orderingKey.slice(1)) + 1) % 7}` }),
    ).rejects.toBeInstanceOf(MalformedMessage);
    await apply(sandbox, { ...message, orderingKey });
  }
  expect(await sandbox.applied()).toEqual(["1:0xa", "10:0xb", "1:0xc"]);
});

describe("A running consumer", () => {
  async function setup(effect?: Effect) {
    const sandbox = await database.sandbox();
    const server = await startPubsubServer();
    const clients = new PubsubClients(server.address);
    onTestFinished(async () => {
      await clients.close();
      await server.stop();
    });
    const topic = await clients.createTopic();
    const subscription = await clients.createSubscription(topic, { enableMessageOrdering: true });
    const publish = async (...messages: PubsubMessage[]) => {
      for (const { data, attributes, orderingKey = "" } of messages)
        await clients.publisher.publish(
          { topic, messages: [{ data, attributes: { ...attributes }, orderingKey }] },
          ONCE,
        );
    };
    const run = (options: Partial<Sandbox["options"]> = {}) => {
      const stop = new AbortController();
      const errors: string[] = [];
      const consumer = runConsumer({
        ...{ ...sandbox.options, ...options, subscription, pubsub: clients.pubsub },
        ...{ pool: database.pool, signal: stop.signal, sweepIntervalMs: 50, earlyHoldMs: 50 },
        backoff: { firstMs: 20, maxMs: 200 },
        effect: async (message, tx) => {
          await effect?.(message, tx);
          await note(sandbox)(message, tx);
        },
        log: { info() {}, warn() {}, error: ({ event }) => void errors.push(String(event)) },
      });
      const end = async () => {
        stop.abort();
        await consumer.done;
      };
      onTestFinished(end);
      return { ...consumer, end, errors };
    };
    const dead = async () =>
      (
        await database.pool.query(
          `select id, sequence, message_id from ${sandbox.options.schema}.dead_letter order by id`,
        )
      ).rows;
    return { sandbox, publish, run, dead };
  }

  test("acknowledges nothing for good while nothing is of the publication that it expects", async () => {
    const { sandbox, publish, run, dead } = await setup();
    await publish(created, released);
    const mistaken = run({ publication: { topic: "misspelled", finality: "provisional" } });
    await waitUntil("it is handed back", () => mistaken.errors.includes("message.unexpected"));
    await mistaken.end();
    expect(await dead()).toEqual([]);
    run();
    await waitUntil("both are applied", async () => (await sandbox.applied()).length === 2);
    expect(await sandbox.applied()).toEqual(["a", "b"]);
  });

  test("keeps what is in the place of a dead letter with other bytes, for an operator to choose", async () => {
    const rival = eventMessage({ sequence: 2, eventId: "forged" });
    const { sandbox, publish, run, dead } = await setup(({ messageId }) => {
      if (messageId === "forged") throw new PermanentFailure("unfounded");
    });
    const consumer = run();
    await publish(created, rival, released);
    await waitUntil("both are kept", () => consumer.stats().deadLetters === 2);
    const [first, second] = await dead();
    expect([first, second]).toMatchObject([{ message_id: "forged" }, { message_id: "b" }]);
    const resolve = (id: number, action: "skip" | "retry") =>
      inTransaction(database.pool, (tx) => resolveDeadLetter(tx, { id, action }, sandbox.options));
    await resolve(first.id, "skip");
    await resolve(second.id, "retry");
    await waitUntil("both are applied", async () => (await sandbox.applied()).length === 2);
    expect(await sandbox.applied()).toEqual(["a", "b"]);
  });

  test("refuses to start without a word on what is expected", () => {
    const without = { subscription: "s", pubsub: {}, pool: {}, name: "n", effect: () => {} };
    expect(() => runConsumer(without as never)).toThrow("Option publication");
  });
});
