import { startPubsubServer } from "@escrow-stream/pubsub-emulator";
import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { ONCE, PubsubClients, receive, texts } from "../support/pubsub-clients.ts";
import {
  findOfficialEmulator,
  startOfficialEmulator,
} from "../support/pubsub-official-emulator.ts";

process.env.METADATA_SERVER_DETECTION = "none";

// The behaviour that the embedded server and Google's emulator share, run against both. What the
// emulator does not do is in pubsub-embedded.test.ts.
const backends: [name: string, start: () => Promise<{ address: string; stop(): Promise<void> }>][] =
  [["the embedded server", () => startPubsubServer()]];
const jar = findOfficialEmulator();
if (jar === undefined) {
  console.log("Official Pub/Sub emulator or Java not installed: its half of the suite is skipped.");
} else {
  backends.push(["the official emulator", () => startOfficialEmulator(jar)]);
}

describe.each(backends)("%s", (_name, start) => {
  let server: { address: string; stop(): Promise<void> };
  let clients: PubsubClients;

  beforeAll(async () => {
    server = await start();
    clients = new PubsubClients(server.address);
  });

  afterAll(async () => {
    await clients.close();
    await server.stop();
  });

  test("creates, shows, lists and deletes topics", async () => {
    const topic = await clients.createTopic({ labels: { team: "deals" } });
    const [shown] = await clients.publisher.getTopic({ topic }, ONCE);
    expect(shown.labels).toEqual({ team: "deals" });
    const [listed] = await clients.publisher.listTopics({ project: "projects/p1" }, ONCE);
    expect(listed.map(({ name }) => name)).toContain(topic);
    await clients.publisher.deleteTopic({ topic }, ONCE);
    await expect(clients.publisher.getTopic({ topic }, ONCE)).rejects.toMatchObject({
      code: status.NOT_FOUND,
    });
  });

  test("creates, shows, lists and deletes subscriptions", async () => {
    const topic = await clients.createTopic();
    const subscription = await clients.createSubscription(topic, {
      enableMessageOrdering: true,
      labels: { team: "deals" },
    });
    const [shown] = await clients.subscriber.getSubscription({ subscription }, ONCE);
    expect(shown).toMatchObject({
      name: subscription,
      topic,
      ackDeadlineSeconds: 10,
      enableMessageOrdering: true,
      labels: { team: "deals" },
      messageRetentionDuration: { seconds: "604800" },
    });
    const [ofTopic] = await clients.publisher.listTopicSubscriptions({ topic }, ONCE);
    expect(ofTopic).toEqual([subscription]);
    const [listed] = await clients.subscriber.listSubscriptions({ project: "projects/p1" }, ONCE);
    expect(listed.map(({ name }) => name)).toContain(subscription);
    await clients.subscriber.deleteSubscription({ subscription }, ONCE);
    const gone = clients.subscriber.getSubscription({ subscription }, ONCE);
    await expect(gone).rejects.toMatchObject({ code: status.NOT_FOUND });
  });

  test("changes the ack deadline of a subscription and refuses to change its topic", async () => {
    const topic = await clients.createTopic();
    const name = await clients.createSubscription(topic);
    const update = (paths: string[]) =>
      clients.subscriber.updateSubscription(
        { subscription: { name, topic, ackDeadlineSeconds: 60 }, updateMask: { paths } },
        ONCE,
      );
    const [updated] = await update(["ack_deadline_seconds"]);
    expect(updated.ackDeadlineSeconds).toBe(60);
    await expect(update(["topic"])).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
  });

  test("answers with the status codes of the service when names clash, are missing or malformed", async () => {
    const { publisher, subscriber } = clients;
    const topic = await clients.createTopic();
    const subscription = await clients.createSubscription(topic);
    const code = (call: Promise<unknown>): Promise<number> =>
      call.then(
        () => status.OK,
        (error) => error.code,
      );
    const missingTopic = "projects/p1/topics/missing";
    const missingSubscription = "projects/p1/subscriptions/missing";
    const messages = [{ data: Buffer.from("x") }];
    expect(await code(publisher.createTopic({ name: topic }, ONCE))).toBe(status.ALREADY_EXISTS);
    expect(await code(subscriber.createSubscription({ name: subscription, topic }, ONCE))).toBe(
      status.ALREADY_EXISTS,
    );
    expect(await code(publisher.publish({ topic: missingTopic, messages }, ONCE))).toBe(
      status.NOT_FOUND,
    );
    expect(await code(clients.createSubscription(missingTopic))).toBe(status.NOT_FOUND);
    expect(await code(clients.pullNow(missingSubscription))).toBe(status.NOT_FOUND);
    for (const name of ["topics/x", "projects/p1/topics/ab", "projects/p1/topics/1abc"]) {
      expect(await code(publisher.createTopic({ name }, ONCE))).toBe(status.INVALID_ARGUMENT);
    }
    expect(await code(clients.createTopic({}, "goog-topic"))).toBe(status.INVALID_ARGUMENT);
    expect(await code(clients.createSubscription(topic, { ackDeadlineSeconds: 601 }))).toBe(
      status.INVALID_ARGUMENT,
    );
    expect(
      await code(clients.createSubscription(topic, { messageRetentionDuration: { seconds: 5 } })),
    ).toBe(status.INVALID_ARGUMENT);
    const malformed = { subscription, ackIds: ["not an ack id"] };
    expect(await code(subscriber.acknowledge(malformed, ONCE))).toBe(status.INVALID_ARGUMENT);
    expect(await code(subscriber.acknowledge({ subscription }, ONCE))).toBe(
      status.INVALID_ARGUMENT,
    );
    expect(await code(subscriber.seek({ subscription }, ONCE))).toBe(status.INVALID_ARGUMENT);
  });

  test("refuses a publish request without messages, with an empty one or with more than 1,000", async () => {
    const topic = await clients.createTopic();
    for (const messages of [[], [{}], Array(1001).fill({ data: Buffer.from("x") })]) {
      await expect(clients.publisher.publish({ topic, messages }, ONCE)).rejects.toMatchObject({
        code: status.INVALID_ARGUMENT,
      });
    }
  });

  test("delivers what was published, byte for byte, with a rising id and the publish time", async () => {
    const topic = await clients.createTopic();
    const subscription = await clients.createSubscription(topic);
    const data = Buffer.from([0, 255, 10, 128]);
    const attributes = { event_id: "1-0xabc-3", "ce-source": "/é/✓", empty: "" };
    const before = Date.now();
    const [first] = await clients.publisher.publish(
      { topic, messages: [{ data, attributes, orderingKey: "1:0xabc" }] },
      ONCE,
    );
    const [second] = await clients.publish(topic, ["later"]);
    const [received] = await clients.pull(subscription, 2);
    expect(received?.message).toMatchObject({
      attributes,
      orderingKey: "1:0xabc",
      messageId: first.messageIds?.[0],
    });
    expect(Buffer.from(received?.message?.data as Uint8Array)).toEqual(data);
    const publishedAt = Number(received?.message?.publishTime?.seconds);
    expect(publishedAt).toBeGreaterThanOrEqual(Math.floor(before / 1000));
    expect(publishedAt).toBeLessThanOrEqual(Date.now() / 1000);
    expect(BigInt(second as string)).toBeGreaterThan(BigInt(first.messageIds?.[0] as string));
  });

  test("gives a subscription only what is published after its creation, and each one everything", async () => {
    const topic = await clients.createTopic();
    const early = await clients.createSubscription(topic);
    await clients.publish(topic, ["1"]);
    const late = await clients.createSubscription(topic);
    await clients.publish(topic, ["2"]);
    expect(texts(await clients.pull(early, 2)).sort()).toEqual(["1", "2"]);
    expect(texts(await clients.pull(late, 1))).toEqual(["2"]);
  });

  test("does not deliver an acknowledged message again", async () => {
    const topic = await clients.createTopic();
    const subscription = await clients.createSubscription(topic);
    await clients.publish(topic, ["1", "2"]);
    const received = await clients.pull(subscription, 2);
    await clients.acknowledge(subscription, received);
    await clients.acknowledge(subscription, received);
    expect(await clients.pullNow(subscription)).toEqual([]);
  });

  test("delivers a nacked message again under another ack id, and ignores the old one", async () => {
    const topic = await clients.createTopic();
    const subscription = await clients.createSubscription(topic);
    await clients.publish(topic, ["1"]);
    const first = await clients.pull(subscription, 1);
    await clients.nack(subscription, first);
    const second = await clients.pull(subscription, 1);
    expect(second[0]?.ackId).not.toBe(first[0]?.ackId);
    await clients.acknowledge(subscription, first);
    await clients.nack(subscription, second);
    const third = await clients.pull(subscription, 1);
    expect(texts(third)).toEqual(["1"]);
    await clients.acknowledge(subscription, third);
    expect(await clients.pullNow(subscription)).toEqual([]);
  });

  test("delivers a message again when its ack deadline passes", async () => {
    const topic = await clients.createTopic();
    const subscription = await clients.createSubscription(topic);
    await clients.publish(topic, ["1"]);
    await clients.modifyAckDeadline(subscription, await clients.pull(subscription, 1), 1);
    expect(await clients.pullNow(subscription)).toEqual([]);
    expect(texts(await clients.pull(subscription, 1))).toEqual(["1"]);
  });

  test("delivers the messages of an ordering key in publish order to the high-level client", async () => {
    const topic = await clients.createTopic();
    const name = await clients.createSubscription(topic, { enableMessageOrdering: true });
    const keys = ["1:0xa", "1:0xb", "1:0xc"];
    const numbers = Array.from({ length: 50 }, (_, index) => String(index));
    for (const key of keys) await clients.publish(topic, numbers.slice(0, 20), key);
    const received = new Map<string, string[]>(keys.map((key) => [key, []]));
    const publishing = Promise.all(
      keys.map((key) => clients.publish(topic, numbers.slice(20), key)),
    );
    await receive(
      clients.pubsub.subscription(name),
      (message) => {
        received.get(message.orderingKey ?? "")?.push(message.data.toString());
        message.ack();
      },
      () => [...received.values()].every((list) => list.length === numbers.length),
    );
    await publishing;
    for (const key of keys) expect(received.get(key)).toEqual(numbers);
  });

  test("delivers the messages of an ordering key in order again after they were nacked", async () => {
    const topic = await clients.createTopic();
    const subscription = await clients.createSubscription(topic, { enableMessageOrdering: true });
    await clients.publish(topic, ["1", "2", "3"], "key");
    const received = await clients.pull(subscription, 3);
    expect(texts(received)).toEqual(["1", "2", "3"]);
    await clients.nack(subscription, received);
    const again = await clients.pull(subscription, 3);
    expect(texts(again)).toEqual(["1", "2", "3"]);
    await clients.acknowledge(subscription, again);
    expect(await clients.pullNow(subscription)).toEqual([]);
  });

  test("takes acks and nacks on the stream itself", async () => {
    const topic = await clients.createTopic();
    const subscription = await clients.createSubscription(topic);
    await clients.publish(topic, ["acked", "nacked"]);
    const stream = clients.subscriber.streamingPull(ONCE);
    const seen: string[] = [];
    const failed = new Promise((_, reject) => stream.on("error", reject));
    const done = new Promise<void>((resolve) => {
      stream.on("data", ({ receivedMessages }) => {
        for (const { ackId, message } of receivedMessages) {
          const text = message.data.toString();
          seen.push(text);
          const isSecondTime = seen.filter((each) => each === text).length > 1;
          if (text === "acked" || isSecondTime) stream.write({ ackIds: [ackId] });
          else stream.write({ modifyDeadlineAckIds: [ackId], modifyDeadlineSeconds: [0] });
        }
        if (seen.length === 3) resolve();
      });
    });
    stream.write({ subscription, streamAckDeadlineSeconds: 10 });
    await Promise.race([done, failed]);
    expect(seen.sort()).toEqual(["acked", "nacked", "nacked"]);
    failed.catch(() => undefined);
    stream.destroy();
    await vi.waitFor(async () => expect(await clients.pullNow(subscription)).toEqual([]), {
      timeout: 20_000,
    });
  });

  test.each([
    ["no subscription", { streamAckDeadlineSeconds: 10 }, status.INVALID_ARGUMENT],
    [
      "an unknown subscription",
      { subscription: "projects/p1/subscriptions/missing", streamAckDeadlineSeconds: 10 },
      status.NOT_FOUND,
    ],
  ])("ends a stream that opens with %s", async (_what, request, code) => {
    const stream = clients.subscriber.streamingPull(ONCE);
    const error = new Promise((resolve) => stream.on("error", resolve));
    stream.write(request);
    expect(await error).toMatchObject({ code });
  });

  test("seeks to the future to drop the backlog", async () => {
    const topic = await clients.createTopic();
    const subscription = await clients.createSubscription(topic);
    await clients.publish(topic, ["1"]);
    const seconds = Math.floor(Date.now() / 1000) + 3600;
    await clients.subscriber.seek({ subscription, time: { seconds } }, ONCE);
    expect(await clients.pullNow(subscription)).toEqual([]);
    const outstanding = clients.pull(subscription, 1);
    await clients.publish(topic, ["2"]);
    expect(texts(await outstanding)).toEqual(["2"]);
  });

  test("seeks back to deliver acknowledged messages that the subscription retains", async () => {
    const topic = await clients.createTopic();
    const subscription = await clients.createSubscription(topic, { retainAckedMessages: true });
    await clients.publish(topic, ["1", "2"]);
    await clients.acknowledge(subscription, await clients.pull(subscription, 2));
    const seconds = Math.floor(Date.now() / 1000) - 60;
    await clients.subscriber.seek({ subscription, time: { seconds } }, ONCE);
    expect(texts(await clients.pull(subscription, 2)).sort()).toEqual(["1", "2"]);
  });

  test("keeps a subscription and its backlog when its topic is deleted", async () => {
    const topic = await clients.createTopic();
    const subscription = await clients.createSubscription(topic);
    await clients.publish(topic, ["1"]);
    await clients.publisher.deleteTopic({ topic }, ONCE);
    const [shown] = await clients.subscriber.getSubscription({ subscription }, ONCE);
    expect(shown.topic).toBe("_deleted-topic_");
    expect(texts(await clients.pull(subscription, 1))).toEqual(["1"]);
  });
});
