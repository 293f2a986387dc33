import {
  FeedRefused,
  type Log,
  type PubsubMessage,
  type RunConsumerOptions,
  runConsumer,
} from "@escrow-stream/consumer";
import { type PubsubServer, startPubsubServer } from "@escrow-stream/pubsub-emulator";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  type ConsumerDatabase,
  type Sandbox,
  startConsumerDatabase,
} from "../support/consumer-database.ts";
import { eventMessage } from "../support/consumer-messages.ts";
import { tellHistory } from "../support/escrow-history.ts";
import { FeedStandIn } from "../support/feed-stand-in.ts";
import { ONCE, PubsubClients } from "../support/pubsub-clients.ts";
import { waitUntil } from "../support/wait-until.ts";

process.env.METADATA_SERVER_DETECTION = "none";

const PUBLICATION = "chain.events.v1";

let database: ConsumerDatabase;
let server: PubsubServer;
let clients: PubsubClients;
let feed: FeedStandIn;
let sandbox: Sandbox;
let topic: string;
let running: { stop(): Promise<void> }[] = [];

beforeAll(async () => {
  [database, server] = await Promise.all([startConsumerDatabase(), startPubsubServer()]);
  clients = new PubsubClients(server.address);
});
afterAll(async () => {
  await clients.close();
  await Promise.all([server.stop(), database.stop()]);
});
beforeEach(async () => {
  feed = await FeedStandIn.start();
  sandbox = await database.sandbox();
  topic = await clients.createTopic();
});
afterEach(async () => {
  await Promise.all(running.map((each) => each.stop()));
  running = [];
  await feed.stop();
});

async function publish(...messages: PubsubMessage[]): Promise<void> {
  for (const { data, attributes, orderingKey = "" } of messages) {
    const message = { data, attributes: { ...attributes }, orderingKey };
    await clients.publisher.publish({ topic, messages: [message] }, ONCE);
  }
}

const subscribe = () =>
  clients.createSubscription(topic, { enableMessageOrdering: true, ackDeadlineSeconds: 10 });

type Line = { level: string; fields: Record<string, unknown> };

function run(subscription: string, options: Partial<RunConsumerOptions> = {}) {
  const stop = new AbortController();
  const lines: Line[] = [];
  const at = (level: string) => (fields: Record<string, unknown>) => lines.push({ level, fields });
  const log: Log = { info: at("info"), warn: at("warn"), error: at("error") };
  const consumer = runConsumer({
    ...sandbox.options,
    pubsub: clients.pubsub,
    subscription,
    pool: database.pool,
    effect: async ({ messageId }, tx) => {
      await tx.query(`insert into ${sandbox.options.schema}.effect (message_id) values ($1)`, [
        messageId,
      ]);
    },
    signal: stop.signal,
    backoff: { firstMs: 20, maxMs: 200 },
    earlyHoldMs: 50,
    sweepIntervalMs: 50,
    feed: { url: feed.url, publication: PUBLICATION, pageSize: 7 },
    log,
    ...options,
  });
  const handle = {
    ...consumer,
    lines,
    stop: async () => {
      stop.abort();
      await consumer.done.catch(() => undefined);
    },
  };
  running.push(handle);
  return handle;
}

const STORY = ["1:0xa", "1:0xb", "1:0xc"].map(
  (key) =>
    tellHistory(key, [
      { type: "Approved", by: 1 },
      { type: "reorg", depth: 1, returns: true },
      { type: "ArbiterChanged" },
      { type: "EscrowReleased" },
      { type: "reorg", depth: 2, returns: false },
      { type: "EscrowRefunded" },
    ]).messages,
);
/** The keys in turn, each in its sequence. */
const TOLD = STORY.flatMap((_, at) => STORY.flatMap((messages) => messages[at] ?? [])).concat(
  STORY.flatMap((messages) => messages.slice(STORY.length)),
);
const ids = (messages: readonly PubsubMessage[]) =>
  messages.map(({ attributes }) => attributes.event_id);

async function expectEachOnce(messages: readonly PubsubMessage[]): Promise<void> {
  const applied = await waitUntil("all is applied", async () => {
    const all = await sandbox.applied();
    return all.length >= messages.length ? all : undefined;
  });
  for (const key of new Set(messages.map(({ orderingKey }) => orderingKey))) {
    const own = ids(messages.filter(({ orderingKey }) => orderingKey === key));
    expect(applied.filter((id) => own.includes(id))).toEqual(own);
  }
  expect(applied).toHaveLength(messages.length);
}

describe("A consumer that starts late", () => {
  test("applies from the feed what was before its subscription, then what Pub/Sub delivers, each once and in order [G-11]", async () => {
    const [before, during, ahead] = [TOLD.slice(0, 12), TOLD.slice(12, 16), TOLD.slice(16)];
    await publish(...before);
    const subscription = await subscribe();
    // Pub/Sub has some of it as well, and some of it not yet.
    await publish(...during);
    feed.messages.push(...TOLD);
    const consumer = run(subscription, {
      feed: { url: feed.url, publication: PUBLICATION, pageSize: 7, key: "secret" },
    });
    await expectEachOnce(TOLD);
    await publish(...ahead);
    const more = [eventMessage({ key: "1:0xd", sequence: 1, eventId: "d-1" })];
    await publish(...more);
    await expectEachOnce([...TOLD, ...more]);
    await waitUntil("the copies came", () => {
      return consumer.stats().duplicates === during.length + ahead.length;
    });
    expect(consumer.stats()).toMatchObject({ readFromFeed: TOLD.length, early: 0, parked: 0 });
    expect(feed.asked.every(({ authorization }) => authorization === "Bearer secret")).toBe(true);
  });

  test("goes on in the feed where it was ended, and does not read it again once it had reached its end", async () => {
    const subscription = await subscribe();
    feed.messages.push(...TOLD);
    let effects = 0;
    const first = run(subscription, {
      effect: async ({ messageId }, tx) => {
        effects += 1;
        if (effects > 10) throw new Error("not now");
        await tx.query(`insert into ${sandbox.options.schema}.effect (message_id) values ($1)`, [
          messageId,
        ]);
      },
      maxAttempts: 1_000,
    });
    await waitUntil("it fails", () => effects > 12);
    await first.stop();
    const second = run(subscription);
    await expectEachOnce(TOLD);
    await second.stop();
    const asked = feed.asked.length;
    await publish(eventMessage({ key: "1:0xd", sequence: 1, eventId: "d-1" }));
    run(subscription);
    await waitUntil("it has begun", async () => (await sandbox.applied()).includes("d-1"));
    expect(feed.asked).toHaveLength(asked);
  });

  test("asks again for as long as the API is busy or away, after the time that it asks for", async () => {
    const subscription = await subscribe();
    feed.messages.push(...TOLD);
    feed.faults.push(
      { status: 503, headers: { "retry-after": "0" } },
      { status: 429, headers: { "retry-after": "0" } },
    );
    const consumer = run(subscription);
    await expectEachOnce(TOLD);
    const waits = consumer.lines.filter(({ fields }) => fields.event === "feed.unavailable");
    expect(waits.map(({ fields }) => [fields.why, fields.pauseMs])).toEqual([
      ["HTTP 503", 0],
      ["HTTP 429", 0],
    ]);
  });

  test("ends when the feed is refused, and says why and where it begins", async () => {
    const subscription = await subscribe();
    feed.faults.push({ status: 401, body: { detail: "there is no such key" } });
    await expect(run(subscription).done).rejects.toThrow(/HTTP 401\): there is no such key/);
    feed.faults.push({ status: 410, body: { detail: "not kept", begin_after: 40 } });
    const refused = await run(subscription).done.catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(FeedRefused);
    expect(refused).toMatchObject({ status: 410, beginAfter: 40 });
  });

  test("without a feed says what it waits for, and hands messages back ever more seldom", async () => {
    await publish(...TOLD.slice(0, 6));
    const subscription = await subscribe();
    await publish(...TOLD.slice(6));
    const { feed: _, ...options } = { feed: null };
    const consumer = run(subscription, { ...options, feed: undefined as never });
    const said = await waitUntil("it says so", () =>
      consumer.lines.find(({ fields }) => fields.event === "messages.early"),
    );
    expect(said.fields).toMatchObject({ example: { firstSequence: 3, times: 3 } });
    expect(consumer.stats().waitingKeys).toBeGreaterThan(0);
    expect(await sandbox.applied()).toEqual([]);
  });
});

describe("A key whose next message does not come from Pub/Sub", () => {
  test("goes on with what the feed has of it", async () => {
    const subscription = await subscribe();
    const consumer = run(subscription);
    await waitUntil("it follows", () =>
      consumer.lines.some(({ fields }) => fields.event === "feed.read"),
    );
    feed.messages.push(...TOLD);
    // The first message of each key was lost, as after a seek.
    await publish(...TOLD.slice(3));
    await expectEachOnce(TOLD);
  });
});
