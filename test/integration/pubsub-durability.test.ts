import { appendFileSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type PubsubServer, startPubsubServer } from "@escrow-stream/pubsub-emulator";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ONCE, PubsubClients, receive, texts } from "../support/pubsub-clients.ts";
import { startPubsubServerProcess } from "../support/pubsub-server-process.ts";

process.env.METADATA_SERVER_DETECTION = "none";

let dataDir: string;
const cleanups: (() => Promise<unknown>)[] = [];

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "pubsub-durability-"));
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  rmSync(dataDir, { recursive: true, force: true });
});

async function startServer(port = 0): Promise<{ server: PubsubServer; clients: PubsubClients }> {
  const server = await startPubsubServer({ dataDir, port });
  const clients = new PubsubClients(server.address);
  cleanups.push(
    () => server.stop(),
    () => clients.close(),
  );
  return { server, clients };
}

const filesUnder = (folder: string): string[] =>
  readdirSync(join(dataDir, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

describe("the embedded server with a data folder", () => {
  test("has every acknowledged publish, and no acked message, after a kill -9 in the middle of both [G-19]", async () => {
    const first = await startPubsubServerProcess(dataDir);
    cleanups.push(() => first.kill());
    const before = new PubsubClients(first.host);
    cleanups.push(() => before.close());
    const topic = await before.createTopic();
    const subscription = await before.createSubscription(topic, { enableMessageOrdering: true });
    const acknowledged = new Set<string>();
    const publishUntilKilled = async (key: string): Promise<void> => {
      for (let batch = 0; ; batch++) {
        const numbers = Array.from({ length: 20 }, (_, i) => `${key} ${batch * 20 + i}`);
        for (const id of await before.publish(topic, numbers, key)) acknowledged.add(id);
      }
    };
    const acked = new Set<string>();
    /** Perhaps acknowledged: the server may have been killed between its log and its answer. */
    let inDoubt: string[] = [];
    const ackUntilKilled = async (): Promise<void> => {
      for (;;) {
        const received = await before.pull(subscription, 10);
        inDoubt = received.map(({ message }) => message?.messageId as string);
        await before.acknowledge(subscription, received);
        for (const id of inDoubt) acked.add(id);
        inDoubt = [];
      }
    };
    const acking = ackUntilKilled().catch(() => {});
    const publishers = ["a", "b", "c", "d"].map((key) => publishUntilKilled(key).catch(() => {}));
    const isBusy = () => acknowledged.size > 1000 && acked.size > 100;
    await vi.waitFor(() => expect(isBusy()).toBe(true), { timeout: 10_000 });
    await first.kill();
    await Promise.all([acking, ...publishers]);
    for (const id of [...acked, ...inDoubt]) acknowledged.delete(id);

    const { clients } = await startServer();
    const nextOfKey = new Map<string, number>();
    await receive(
      clients.pubsub.subscription(subscription),
      (message) => {
        const [key = "", number] = message.data.toString().split(" ");
        expect(acked.has(message.id)).toBe(false);
        expect(Number(number)).toBe(nextOfKey.get(key) ?? Number(number));
        nextOfKey.set(key, Number(number) + 1);
        acknowledged.delete(message.id);
        message.ack();
      },
      () => acknowledged.size === 0,
    );
  });

  test("keeps topics, subscriptions and what was acknowledged across a stop", async () => {
    const first = await startServer();
    const topic = await first.clients.createTopic({ labels: { team: "deals" } });
    const filter = "attributes:wanted";
    const subscription = await first.clients.createSubscription(topic);
    const filtered = await first.clients.createSubscription(topic, { filter });
    await first.clients.publish(topic, ["1", "2", "3"]);
    await first.clients.acknowledge(subscription, await first.clients.pull(subscription, 2));
    await first.server.stop();

    const { clients, server } = await startServer();
    const [shown] = await clients.publisher.getTopic({ topic }, ONCE);
    expect(shown.labels).toEqual({ team: "deals" });
    const [sub] = await clients.subscriber.getSubscription({ subscription: filtered }, ONCE);
    expect(sub.filter).toBe(filter);
    expect(server.stats().subscriptions[filtered]?.open).toBe(0);
    const [id] = await clients.publish(topic, ["4"]);
    const rest = await clients.pull(subscription, 2);
    expect(texts(rest)).toEqual(["3", "4"]);
    expect(BigInt(id as string) - BigInt(rest[0]?.message?.messageId as string)).toBe(1n);
  });

  test("redelivers an acknowledged message after a restart when an earlier one of its key is open", async () => {
    const first = await startServer();
    const topic = await first.clients.createTopic();
    const subscription = await first.clients.createSubscription(topic, {
      enableMessageOrdering: true,
    });
    await first.clients.publish(topic, ["1", "2", "3"], "key");
    const [one, , three] = await first.clients.pull(subscription, 3);
    await first.clients.acknowledge(subscription, [one ?? {}, three ?? {}]);
    await first.server.stop();

    const { clients } = await startServer();
    expect(texts(await clients.pull(subscription, 2))).toEqual(["2", "3"]);
  });

  test("keeps a seek across a restart", async () => {
    const first = await startServer();
    const topic = await first.clients.createTopic({ messageRetentionDuration: { seconds: 600 } });
    await first.clients.publish(topic, ["1", "2"]);
    const subscription = await first.clients.createSubscription(topic);
    await first.clients.subscriber.seek({ subscription, time: { seconds: 0 } }, ONCE);
    await first.server.stop();

    const { clients } = await startServer();
    expect(texts(await clients.pull(subscription, 2))).toEqual(["1", "2"]);
  });

  test("starts after a write that was torn at the end of any of its logs", async () => {
    const first = await startServer();
    const topic = await first.clients.createTopic();
    const subscription = await first.clients.createSubscription(topic);
    await first.clients.publish(topic, ["1"]);
    await first.clients.publish(topic, ["2"]);
    await first.clients.acknowledge(subscription, await first.clients.pull(subscription, 1));
    await first.server.stop();
    for (const path of [...filesUnder("topics"), ...filesUnder("subscriptions")]) {
      appendFileSync(path, Buffer.from([9, 0, 0, 0, 1, 2, 3, 4, 5]));
    }

    const second = await startServer();
    await second.clients.publish(topic, ["3"]);
    await second.server.stop();
    const { clients } = await startServer();
    expect(texts(await clients.pull(subscription, 2))).toEqual(["2", "3"]);
  });

  test("never gives a message id twice, also when a topic is created again", async () => {
    const first = await startServer();
    const topic = await first.clients.createTopic();
    const ids = await first.clients.publish(topic, ["1"]);
    await first.server.stop();
    const { clients } = await startServer();
    ids.push(...(await clients.publish(topic, ["2"])));
    await clients.publisher.deleteTopic({ topic }, ONCE);
    await clients.createTopic({}, topic.split("/").at(-1));
    ids.push(...(await clients.publish(topic, ["3"])));
    expect(new Set(ids).size).toBe(3);
  });

  test("gives the disk space of settled messages back", async () => {
    const { clients, server } = await startServer();
    const topic = await clients.createTopic();
    const subscription = await clients.createSubscription(topic);
    const size = (): number =>
      filesUnder("topics").reduce((sum, path) => sum + statSync(path).size, 0);
    const message = { data: Buffer.alloc(1000) };
    for (let batch = 0; batch < 20; batch++) {
      await clients.publisher.publish({ topic, messages: Array(1000).fill(message) }, ONCE);
    }
    expect(size()).toBeGreaterThan(20_000_000);
    let count = 0;
    await receive(
      clients.pubsub.subscription(subscription),
      (received) => {
        count++;
        received.ack();
      },
      () => count === 20_000,
    );
    await vi.waitFor(() => expect(server.stats().subscriptions[subscription]?.open).toBe(0), {
      timeout: 20_000,
    });
    await vi.waitFor(() => expect(size()).toBeLessThan(1_000_000), { timeout: 10_000 });
  });

  test("lets a subscriber carry on by itself when the server comes back on its port", async () => {
    const first = await startServer();
    const topic = await first.clients.createTopic();
    const name = await first.clients.createSubscription(topic);
    const subscription = first.clients.pubsub.subscription(name);
    const received: string[] = [];
    subscription.on("message", (message) => {
      received.push(message.data.toString());
      message.ack();
    });
    await first.clients.publish(topic, ["1"]);
    await vi.waitFor(() => expect(received).toEqual(["1"]), { timeout: 20_000 });
    await first.server.stop();
    const { clients } = await startServer(first.server.port);
    await clients.publish(topic, ["2"]);
    await vi.waitFor(() => expect(received).toContain("2"), { timeout: 20_000 });
    await subscription.close();
  });

  test("refuses a folder that another server has, but not one whose server was killed", async () => {
    const first = await startPubsubServerProcess(dataDir);
    cleanups.push(() => first.kill());
    await expect(startServer()).rejects.toThrow("is in use by the Pub/Sub server");
    await first.kill();
    await startServer();
  });
});
