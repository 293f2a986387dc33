import {
  type DecodedMessage,
  type Effect,
  inTransaction,
  PermanentFailure,
  type PubsubMessage,
  type RunConsumerOptions,
  type RunningConsumer,
  resolveDeadLetter,
  runConsumer,
} from "@escrow-stream/consumer";
import { type PubsubServer, startPubsubServer } from "@escrow-stream/pubsub-emulator";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import {
  type ConsumerDatabase,
  type Sandbox,
  startConsumerDatabase,
} from "../support/consumer-database.ts";
import { barrierMessage, eventMessage } from "../support/consumer-messages.ts";
import { ONCE, PubsubClients, texts } from "../support/pubsub-clients.ts";

process.env.METADATA_SERVER_DETECTION = "none";

const PATIENCE = { timeout: 20_000, interval: 20 };

let database: ConsumerDatabase;
let server: PubsubServer;
let clients: PubsubClients;
let running: { stop(): Promise<void> }[] = [];

beforeAll(async () => {
  [database, server] = await Promise.all([startConsumerDatabase(), startPubsubServer()]);
  clients = new PubsubClients(server.address);
});

afterEach(async () => {
  await Promise.all(running.map((each) => each.stop()));
  running = [];
});

afterAll(async () => {
  await clients.close();
  await Promise.all([server.stop(), database.stop()]);
});

type Setup = {
  sandbox: Sandbox;
  topic: string;
  subscription: string;
  publish(...messages: PubsubMessage[]): Promise<void>;
  run(options?: Partial<RunConsumerOptions>): RunningConsumer & { stop(): Promise<void> };
  /** Nothing is waiting for an acknowledgement any more. */
  settled(): Promise<void>;
};

async function setup({ isOrdered = true } = {}): Promise<Setup> {
  const sandbox = await database.sandbox();
  const topic = await clients.createTopic();
  const subscription = await clients.createSubscription(topic, {
    enableMessageOrdering: isOrdered,
    ackDeadlineSeconds: 10,
  });
  const note: Effect = async ({ messageId }, tx) => {
    await tx.query(`insert into ${sandbox.options.schema}.effect (message_id) values ($1)`, [
      messageId,
    ]);
  };
  return {
    sandbox,
    topic,
    subscription,
    async publish(...messages) {
      for (const { data, attributes, orderingKey = "" } of messages) {
        const message = { data, attributes: { ...attributes }, orderingKey };
        await clients.publisher.publish({ topic, messages: [message] }, ONCE);
      }
    },
    run({ effect = note, ...options } = {}) {
      const stop = new AbortController();
      const consumer = runConsumer({
        ...sandbox.options,
        pubsub: clients.pubsub,
        subscription,
        pool: database.pool,
        effect: async (message, tx) => {
          if (effect !== note) await effect(message, tx);
          await note(message, tx);
        },
        signal: stop.signal,
        backoff: { firstMs: 20, maxMs: 200 },
        earlyHoldMs: 50,
        sweepIntervalMs: 50,
        ...options,
      });
      const handle = {
        ...consumer,
        async stop() {
          stop.abort();
          await consumer.done;
        },
      };
      running.push(handle);
      return handle;
    },
    settled: () =>
      vi.waitFor(() => expect(server.stats().subscriptions[subscription]?.open).toBe(0), PATIENCE),
  };
}

const events = (count: number, key = "1:0xa") =>
  Array.from({ length: count }, (_, i) =>
    eventMessage({ key, sequence: i + 1, eventId: `${key}-${i + 1}` }),
  );
const ids = (messages: readonly PubsubMessage[]) =>
  messages.map(({ attributes }) => attributes.event_id);

function failOn(sequence: number, error: Error, times = Number.POSITIVE_INFINITY): Effect {
  let failures = 0;
  return (message: DecodedMessage) => {
    if (message.sequence === sequence && failures++ < times) throw error;
  };
}

describe("A running consumer", () => {
  test("applies a stream with duplicates, old copies and barriers once and in order", async () => {
    const { publish, run, settled, sandbox } = await setup();
    const [a, b] = [events(30), events(30, "1:0xb")];
    await publish(...a.slice(0, 20), ...b, barrierMessage(), ...a.slice(5, 9));
    const consumer = run({ clock: () => Date.now() + 60_000 });
    await publish(...a.slice(18), ...b.slice(0, 3), ...a.slice(0, 1));
    await settled();
    const applied = await sandbox.applied();
    expect(applied.filter((id) => id.startsWith("1:0xa-"))).toEqual(ids(a));
    expect(applied.filter((id) => id.startsWith("1:0xb-"))).toEqual(ids(b));
    const { lagMs, ...stats } = consumer.stats();
    expect(stats).toMatchObject({ applied: 60, duplicates: 10, barriers: 1, inFlight: 0 });
    expect(lagMs).toBeGreaterThan(59_000);
    expect(lagMs).toBeLessThan(120_000);
  });

  test.each([
    ["handed back", "nack"],
    ["parked", "park"],
  ] as const)("applies in order what comes out of order and is %s", async (_, onEarly) => {
    const { publish, run, settled, sandbox } = await setup({ isOrdered: false });
    const consumer = run({ onEarly });
    const all = events(12);
    await publish(...all.slice(1).reverse());
    await vi.waitFor(() => expect(consumer.stats().early).toBeGreaterThan(0), PATIENCE);
    expect(await sandbox.applied()).toEqual([]);
    await publish(...all.slice(0, 1));
    await settled();
    expect(await sandbox.applied()).toEqual(ids(all));
    await vi.waitFor(() => expect(consumer.stats().parked).toBe(0), PATIENCE);
  });

  test("shares a subscription with other processes", async () => {
    const { publish, run, settled, sandbox } = await setup({ isOrdered: false });
    const keys = Array.from({ length: 6 }, (_, key) => events(20, `1:0x${key}`));
    for (let i = 0; i < 3; i++) run({ onEarly: "park" });
    await Promise.all(keys.flatMap((key) => [publish(...key), publish(...key)]));
    await settled();
    const applied = await sandbox.applied();
    for (const [i, key] of keys.entries())
      expect(applied.filter((id) => id.startsWith(`1:0x${i}-`))).toEqual(ids(key));
  });

  test("tries again when an effect fails, and applies the messages before it meanwhile", async () => {
    const { publish, run, settled, sandbox } = await setup();
    const all = events(5);
    await publish(...all);
    const consumer = run({ effect: failOn(3, new Error("not yet"), 4), maxAttempts: 10 });
    await settled();
    expect(await sandbox.applied()).toEqual(ids(all));
    expect(consumer.stats()).toMatchObject({ applied: 5, deadLetters: 0 });
    expect(consumer.stats().retries).toBeGreaterThan(0);
  });

  test("counts failures across restarts", async () => {
    const { publish, run, sandbox, settled } = await setup();
    await publish(...events(1));
    const effect = failOn(1, new Error("never"));
    const attempts = async () => {
      const { rows } = await database.pool.query(
        `select attempts from ${sandbox.options.schema}.high_water_mark`,
      );
      return rows[0]?.attempts ?? 0;
    };
    const patient = { effect, maxAttempts: 3, backoff: { firstMs: 60_000, maxMs: 60_000 } };
    for (const expected of [1, 2]) {
      const consumer = run(patient);
      await vi.waitFor(async () => expect(await attempts()).toBe(expected), PATIENCE);
      await consumer.stop();
    }
    const last = run(patient);
    await settled();
    expect(last.stats().deadLetters).toBe(1);
  });

  test("blocks a key with a dead letter until an operator skips it, and lets other keys flow", async () => {
    const { publish, run, settled, sandbox } = await setup();
    const deadLetterTopic = await clients.createTopic();
    const deadLetters = await clients.createSubscription(deadLetterTopic);
    const [a, b] = [events(4), events(4, "1:0xb")];
    await publish(...a, ...b);
    const consumer = run({
      effect: (message) => {
        if (message.escrowAddress === "0xa") failOn(2, new Error("poison"))(message, nothing);
      },
      maxAttempts: 2,
      deadLetterTopic,
    });
    const [received] = await clients.pull(deadLetters, 1);
    expect(texts(received ? [received] : [])).toEqual([Buffer.from(a[1]?.data ?? "").toString()]);
    expect(received?.message?.attributes).toEqual({
      ...a[1]?.attributes,
      dead_letter_reason: "Error: poison",
      dead_letter_attempts: "2",
      dead_letter_subscription: expect.stringContaining("sub-"),
      dead_letter_ordering_key: "1:0xa",
    });
    await vi.waitFor(() => expect(consumer.stats().blockedKeys).toBe(1), PATIENCE);
    const before = [...ids(a.slice(0, 1)), ...ids(b)];
    await vi.waitFor(async () => {
      expect((await sandbox.applied()).sort()).toEqual(before.sort());
    }, PATIENCE);

    await resolve(sandbox, "skip");
    await settled();
    const applied = await sandbox.applied();
    expect(applied.slice(-2)).toEqual(ids(a.slice(2)));
    expect(applied).toHaveLength(7);
    await vi.waitFor(() => expect(consumer.stats().blockedKeys).toBe(0), PATIENCE);
  });

  test.each(["nack", "park"] as const)(
    "applies a dead letter in its place when an operator has it retried (%s)",
    async (onEarly) => {
      const { publish, run, settled, sandbox } = await setup();
      const all = events(5);
      await publish(...all);
      let isFixed = false;
      const effect: Effect = ({ sequence }) => {
        if (sequence === 3 && !isFixed) throw new PermanentFailure("poison");
      };
      const consumer = run({ onEarly, effect });
      await vi.waitFor(() => expect(consumer.stats().deadLetters).toBe(1), PATIENCE);
      expect(await sandbox.applied()).toEqual(ids(all.slice(0, 2)));
      isFixed = true;
      await resolve(sandbox, "retry");
      await settled();
      await vi.waitFor(async () => expect(await sandbox.applied()).toEqual(ids(all)), PATIENCE);
      await expect(resolve(sandbox, "retry")).rejects.toThrow("was retried before");
    },
  );

  test("goes on after a dead letter when told to skip, and lists it", async () => {
    const { publish, run, settled, sandbox } = await setup();
    const all = events(4);
    await publish(...all);
    run({ effect: failOn(2, new PermanentFailure("poison")), onDeadLetter: "skip" });
    await settled();
    expect(await sandbox.applied()).toEqual(ids(all.filter((_, i) => i !== 1)));
    expect(await deadLetters(sandbox)).toEqual([
      { sequence: "2", reason: "PermanentFailure: poison", attempts: 1, resolution: "skipped" },
    ]);
  });

  test("makes dead letters of malformed messages, for which no key waits", async () => {
    const { publish, run, settled, sandbox } = await setup();
    const [a, b] = events(2) as [PubsubMessage, PubsubMessage];
    const keyless = { data: Buffer.from("hello"), attributes: {} };
    const broken = { ...b, data: Buffer.from("{") };
    await publish(keyless, keyless, a, broken, b);
    const consumer = run();
    await settled();
    expect(await sandbox.applied()).toEqual(ids([a, b]));
    expect(consumer.stats().deadLetters).toBe(2);
    const reasons = (await deadLetters(sandbox)).map(({ reason }) => reason).sort();
    expect(reasons).toEqual([
      expect.stringContaining("A message has no attribute event_id"),
      expect.stringContaining("a body that is not UTF-8 JSON"),
    ]);
  });

  test("blocks a key, whatever the policy, when a copy has different bytes", async () => {
    const { publish, run, settled, sandbox } = await setup();
    const all = events(2);
    await publish(...all.slice(0, 1), eventMessage({ sequence: 1, eventId: "rival" }));
    const consumer = run({ onDeadLetter: "skip", onEarly: "park" });
    await settled();
    await publish(...all.slice(1));
    await settled();
    expect(await sandbox.applied()).toEqual(ids(all.slice(0, 1)));
    await vi.waitFor(() => expect(consumer.stats()).toMatchObject({ blockedKeys: 1, parked: 1 }), {
      timeout: 20_000,
    });
    await expect(resolve(sandbox, "retry")).rejects.toThrow("can only be skipped");
    await resolve(sandbox, "skip");
    await vi.waitFor(async () => expect(await sandbox.applied()).toEqual(ids(all)), PATIENCE);
  });

  test("finds the parked message that fails, behind the one that filled its gap", async () => {
    const { publish, run, settled, sandbox } = await setup({ isOrdered: false });
    const all = events(4);
    const consumer = run({
      onEarly: "park",
      effect: failOn(3, new Error("poison")),
      maxAttempts: 2,
      onDeadLetter: "skip",
    });
    await publish(...all.slice(1));
    await settled();
    await publish(...all.slice(0, 1));
    await vi.waitFor(async () => {
      expect(await sandbox.applied()).toEqual(ids(all.filter((_, i) => i !== 2)));
    }, PATIENCE);
    expect(await deadLetters(sandbox)).toMatchObject([{ sequence: "3", attempts: 2 }]);
    await settled();
    await vi.waitFor(() => expect(consumer.stats().parked).toBe(0), PATIENCE);
  });

  test("gives up on a message only when the dead-letter topic has it", async () => {
    const { publish, run, settled, sandbox } = await setup();
    const deadLetterTopic = "projects/p1/topics/made-later";
    await publish(...events(1));
    const effect = failOn(1, new PermanentFailure("poison"));
    const consumer = run({ effect, deadLetterTopic });
    await vi.waitFor(() => expect(consumer.stats().retries).toBeGreaterThan(1), PATIENCE);
    expect(await deadLetters(sandbox)).toEqual([]);
    await clients.createTopic({}, "made-later");
    await settled();
    expect(consumer.stats().deadLetters).toBe(1);
    expect(server.stats().topics[deadLetterTopic]?.published).toBe(1);
  });

  test("does not count it against a message that its database connection dies", async () => {
    const { publish, run, settled, sandbox } = await setup();
    const all = events(6);
    await publish(...all);
    let kills = 3;
    const consumer = run({
      maxAttempts: 1,
      effect: async ({ sequence }, tx) => {
        if (sequence !== 4 || kills-- <= 0) return;
        const { rows } = await tx.query("select pg_backend_pid() as pid");
        await database.pool.query("select pg_terminate_backend($1, 5000)", [
          (rows as [{ pid: number }])[0].pid,
        ]);
      },
    });
    await settled();
    expect(await sandbox.applied()).toEqual(ids(all));
    expect(consumer.stats()).toMatchObject({ deadLetters: 0, applied: 6 });
  });

  test("finishes what it has begun when told to end, and hands the rest back", async () => {
    const { publish, run, sandbox, subscription, settled } = await setup();
    const all = events(6);
    await publish(...all);
    let begun = () => {};
    let finish = () => {};
    const isBegun = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const gate = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const first = run({
      batchSize: 1,
      effect: async ({ sequence }) => {
        if (sequence !== 2) return;
        begun();
        await gate;
      },
    });
    await isBegun;
    let isDone = false;
    const stopped = first.stop().then(() => {
      isDone = true;
    });
    await vi.waitFor(() => expect(server.stats().openStreams).toBe(0), PATIENCE);
    expect(isDone).toBe(false);
    finish();
    await stopped;
    expect(await sandbox.applied()).toEqual(ids(all.slice(0, 2)));
    expect(server.stats().subscriptions[subscription]).toMatchObject({ outstanding: 0 });
    expect(first.stats()).toMatchObject({ applied: 2, inFlight: 0 });
    const second = run();
    await settled();
    expect(await sandbox.applied()).toEqual(ids(all));
    expect(second.stats()).toMatchObject({ applied: 4, duplicates: 0 });
  });

  test("opens its stream again when the subscription comes back", async () => {
    const { publish, run, settled, sandbox, subscription, topic } = await setup();
    const all = events(2);
    const consumer = run();
    await publish(...all.slice(0, 1));
    await settled();
    await clients.subscriber.deleteSubscription({ subscription }, ONCE);
    await vi.waitFor(() => expect(consumer.stats().reconnects).toBeGreaterThan(1), PATIENCE);
    const id = subscription.split("/").at(-1) as string;
    await clients.createSubscription(topic, { enableMessageOrdering: true }, id);
    await publish(...all.slice(1));
    await vi.waitFor(async () => expect(await sandbox.applied()).toEqual(ids(all)), PATIENCE);
  });
});

const nothing = { query: async () => ({ rows: [] }) } as unknown as Parameters<
  RunConsumerOptions["effect"]
>[1];

async function resolve(sandbox: Sandbox, action: "skip" | "retry"): Promise<void> {
  const { rows } = await database.pool.query(
    `select id from ${sandbox.options.schema}.dead_letter`,
  );
  await inTransaction(database.pool, (tx) =>
    resolveDeadLetter(tx, { id: Number(rows[0].id), action }, sandbox.options),
  );
}

async function deadLetters(sandbox: Sandbox) {
  const { rows } = await database.pool.query(
    `select sequence, reason, attempts, resolution from ${sandbox.options.schema}.dead_letter`,
  );
  return rows;
}
