import {
  GrpcError,
  type PublishRequest,
  type PubsubServer,
  startPubsubServer,
} from "@escrow-stream/pubsub-emulator";
import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { ONCE, PubsubClients, texts } from "../support/pubsub-clients.ts";

process.env.METADATA_SERVER_DETECTION = "none";

// What Google's emulator leaves out or does otherwise: filters, retry policies, dead letters, topic
// retention, detaching, flow control on the server's side, most limits, label updates, the answer to
// pings, and the redelivery of later messages of an ordering key while some are outstanding.
describe("the embedded server", () => {
  let server: PubsubServer;
  let clients: PubsubClients;

  beforeAll(async () => {
    server = await startPubsubServer();
    clients = new PubsubClients(server.address);
  });

  afterAll(async () => {
    await clients.close();
    await server.stop();
  });

  test.each([
    ["an attribute key that is empty", { attributes: { "": "x" } }],
    ["an attribute key that begins with goog", { attributes: { googlish: "x" } }],
    ["an attribute key over 256 bytes", { attributes: { ["é".repeat(129)]: "x" } }],
    ["an attribute value over 1,024 bytes", { attributes: { key: "é".repeat(513) } }],
    [
      "more than 100 attributes",
      { attributes: Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`k${i}`, "v"])) },
    ],
    ["an ordering key over 1,024 bytes", { data: Buffer.of(1), orderingKey: "é".repeat(513) }],
    ["more than 10 MB", { data: Buffer.alloc(10_000_001) }],
  ])("refuses a message with %s", async (_what, message) => {
    const topic = await clients.createTopic();
    const refused = clients.publisher.publish({ topic, messages: [message] }, ONCE);
    await expect(refused).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
  });

  test("accepts messages at the limits", async () => {
    const topic = await clients.createTopic();
    const attributes = Object.fromEntries(
      Array.from({ length: 100 }, (_, i) => [String(i).padStart(256, "k"), "v".repeat(1024)]),
    );
    const message = { attributes, orderingKey: "k".repeat(1024) };
    await clients.publisher.publish({ topic, messages: [message] }, ONCE);
    await clients.publisher.publish({ topic, messages: [{ data: Buffer.alloc(9_999_990) }] }, ONCE);
  });

  test("refuses a publish request with two ordering keys", async () => {
    const topic = await clients.createTopic();
    const messages = ["a", "b"].map((orderingKey) => ({ data: Buffer.of(1), orderingKey }));
    await expect(clients.publisher.publish({ topic, messages }, ONCE)).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
    });
  });

  test("says which methods it does not have", async () => {
    const call = clients.subscriber.createSnapshot({ name: "projects/p1/snapshots/abc" }, ONCE);
    await expect(call).rejects.toMatchObject({
      code: status.UNIMPLEMENTED,
      details: "CreateSnapshot is not implemented by the local Pub/Sub server.",
    });
  });

  test("redelivers every later message of a key with a failed one, acknowledged or outstanding", async () => {
    const topic = await clients.createTopic();
    const subscription = await clients.createSubscription(topic, { enableMessageOrdering: true });
    await clients.publish(topic, ["1", "2", "3"], "key");
    const received = await clients.pull(subscription, 3);
    await clients.acknowledge(subscription, received.slice(2));
    await clients.nack(subscription, received.slice(0, 1));
    const again = await clients.pull(subscription, 3);
    expect(texts(again)).toEqual(["1", "2", "3"]);
    await clients.acknowledge(subscription, received.slice(1, 2));
    await clients.acknowledge(subscription, again.slice(0, 1));
    await clients.nack(subscription, again.slice(1, 2));
    expect(texts(await clients.pull(subscription, 2))).toEqual(["2", "3"]);
  });

  test("gives one ordering key to one consumer at a time, and other keys meanwhile to others", async () => {
    const topic = await clients.createTopic();
    const subscription = await clients.createSubscription(topic, { enableMessageOrdering: true });
    await clients.publish(topic, ["a1", "a2"], "a");
    const first = await clients.pull(subscription, 1);
    await clients.publish(topic, ["b1"], "b");
    expect(texts(await clients.pull(subscription, 1))).toEqual(["b1"]);
    expect(await clients.pullNow(subscription)).toEqual([]);
    await clients.acknowledge(subscription, first);
    expect(texts(await clients.pull(subscription, 1))).toEqual(["a2"]);
  });

  test("delivers only what the filter of a subscription lets through", async () => {
    const topic = await clients.createTopic();
    const filter = 'attributes:event_id AND attributes.event_type != "Approved"';
    const subscription = await clients.createSubscription(topic, { filter });
    const attributes = [
      { event_type: "EscrowReleased" },
      { event_id: "1", event_type: "Approved" },
      { event_id: "2", event_type: "EscrowReleased" },
    ];
    const messages = attributes.map((each) => ({ attributes: each }));
    await clients.publisher.publish({ topic, messages }, ONCE);
    const received = await clients.pull(subscription, 1);
    expect(received.map(({ message }) => message?.attributes)).toEqual([attributes[2]]);
    expect(server.stats().subscriptions[subscription]?.open).toBe(1);
    const invalid = clients.createSubscription(topic, { filter: 'data = "x"' });
    await expect(invalid).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
  });

  test("waits with a redelivery as the retry policy says", async () => {
    const topic = await clients.createTopic();
    const subscription = await clients.createSubscription(topic, {
      enableMessageOrdering: true,
      retryPolicy: {
        minimumBackoff: { seconds: 0, nanos: 300_000_000 },
        maximumBackoff: { seconds: 0, nanos: 400_000_000 },
      },
    });
    await clients.publish(topic, ["1", "2"], "key");
    await clients.publish(topic, ["unordered"]);
    for (const backoffMs of [300, 400]) {
      const received = await clients.pull(subscription, 3);
      expect(texts(received)).toEqual(["1", "2", "unordered"]);
      const nackedAt = Date.now();
      await clients.nack(subscription, [received[0] ?? {}, received[2] ?? {}]);
      expect(await clients.pullNow(subscription)).toEqual([]);
      const again = await clients.pull(subscription, 3);
      expect(Date.now() - nackedAt).toBeGreaterThanOrEqual(backoffMs);
      await clients.nack(subscription, again);
    }
  });

  test("forwards a message to the dead-letter topic after the allowed number of attempts", async () => {
    const topic = await clients.createTopic();
    const deadLetterTopic = await clients.createTopic();
    const deadLetters = await clients.createSubscription(deadLetterTopic);
    const subscription = await clients.createSubscription(topic, {
      enableMessageOrdering: true,
      deadLetterPolicy: { deadLetterTopic, maxDeliveryAttempts: 5 },
    });
    await clients.publish(topic, ["bad", "good"], "key");
    for (let attempt = 1; attempt <= 5; attempt++) {
      const [bad, good] = await clients.pull(subscription, 2);
      expect(bad?.deliveryAttempt).toBe(attempt);
      expect(good?.deliveryAttempt).toBe(1);
      await clients.nack(subscription, [bad ?? {}]);
      if (attempt === 5) await clients.acknowledge(subscription, [good ?? {}]);
    }
    const [dead] = await clients.pull(deadLetters, 1);
    expect(texts(dead ? [dead] : [])).toEqual(["bad"]);
    expect(dead?.message?.orderingKey).toBe("key");
    expect(dead?.message?.attributes).toMatchObject({
      CloudPubSubDeadLetterSourceDeliveryCount: "5",
      CloudPubSubDeadLetterSourceSubscription: subscription.split("/").at(-1),
      CloudPubSubDeadLetterSourceSubscriptionProject: "p1",
    });
    expect(server.stats().subscriptions[subscription]?.open).toBe(0);
  });

  test("lets a new subscription seek back to all that its topic retains", async () => {
    const topic = await clients.createTopic({ messageRetentionDuration: { seconds: 3600 } });
    await clients.publish(topic, ["1", "2"]);
    const subscription = await clients.createSubscription(topic);
    expect(await clients.pullNow(subscription)).toEqual([]);
    await clients.subscriber.seek({ subscription, time: { seconds: 0 } }, ONCE);
    expect(texts(await clients.pull(subscription, 2))).toEqual(["1", "2"]);
  });

  test("detaches a subscription: its backlog is gone and pulling from it fails", async () => {
    const topic = await clients.createTopic();
    const subscription = await clients.createSubscription(topic);
    await clients.publish(topic, ["1"]);
    await clients.publisher.detachSubscription({ subscription }, ONCE);
    await expect(clients.pullNow(subscription)).rejects.toMatchObject({
      code: status.FAILED_PRECONDITION,
    });
    const [shown] = await clients.subscriber.getSubscription({ subscription }, ONCE);
    expect(shown.detached).toBe(true);
  });

  test("lets a stream have no more messages outstanding than it asked for", async () => {
    const topic = await clients.createTopic();
    const subscription = await clients.createSubscription(topic);
    await clients.publish(topic, ["1", "2", "3", "4", "5"]);
    const stream = clients.subscriber.streamingPull(ONCE);
    const outstanding: string[] = [];
    let most = 0;
    let total = 0;
    stream.on("data", ({ receivedMessages }) => {
      for (const { ackId } of receivedMessages) outstanding.push(ackId);
      total += receivedMessages.length;
      most = Math.max(most, outstanding.length);
      const [first, ...others] = outstanding.splice(0);
      outstanding.push(...others);
      // One ack at a time: the others stay outstanding and leave room for one more message.
      if (first !== undefined) stream.write({ ackIds: [first] });
    });
    stream.write({ subscription, streamAckDeadlineSeconds: 10, maxOutstandingMessages: 2 });
    await vi.waitFor(() => expect(total).toBe(5), { timeout: 20_000 });
    expect(most).toBe(2);
    stream.on("error", () => undefined);
    stream.destroy();
  });

  test("tells a stream the properties of its subscription first, and again as answer to a ping", async () => {
    const topic = await clients.createTopic();
    const subscription = await clients.createSubscription(topic, { enableMessageOrdering: true });
    const stream = clients.subscriber.streamingPull(ONCE);
    stream.on("error", () => undefined);
    const answers: unknown[] = [];
    stream.on("data", ({ subscriptionProperties }) => answers.push(subscriptionProperties));
    stream.write({ subscription, streamAckDeadlineSeconds: 10, protocolVersion: 1 });
    await vi.waitFor(() => expect(answers).toHaveLength(1), { timeout: 20_000 });
    stream.write({});
    await vi.waitFor(() => expect(answers).toHaveLength(2), { timeout: 20_000 });
    expect(answers[1]).toEqual({ messageOrderingEnabled: true, exactlyOnceDeliveryEnabled: false });
    stream.destroy();
  });

  test("updates labels and retention of a topic", async () => {
    const topic = await clients.createTopic();
    const [updated] = await clients.publisher.updateTopic(
      {
        topic: {
          name: topic,
          labels: { team: "deals" },
          messageRetentionDuration: { seconds: 600 },
        },
        updateMask: { paths: ["labels", "message_retention_duration"] },
      },
      ONCE,
    );
    expect(updated).toMatchObject({
      labels: { team: "deals" },
      messageRetentionDuration: { seconds: "600" },
    });
  });

  test("tells the high-level client of an exactly-once subscription which acks came too late", async () => {
    const topic = await clients.createTopic();
    const name = await clients.createSubscription(topic, { enableExactlyOnceDelivery: true });
    await clients.publish(topic, ["1"]);
    const subscription = clients.pubsub.subscription(name);
    const responses: string[] = [];
    let deliveries = 0;
    subscription.on("error", () => undefined);
    subscription.on("message", async (message) => {
      if (deliveries++ === 0) {
        await clients.subscriber.modifyAckDeadline(
          { subscription: name, ackIds: [message.ackId], ackDeadlineSeconds: 0 },
          ONCE,
        );
      }
      const response = message.ackWithResponse().catch((error) => error.errorCode);
      responses.push(await response);
    });
    await vi.waitFor(() => expect(responses).toEqual(["INVALID", "SUCCESS"]), { timeout: 10_000 });
    await subscription.close();
  });

  test("lets a test stand around every publish: delay it, refuse it, or lose the response", async () => {
    const faultOf = ({ messages }: PublishRequest) => messages[0]?.attributes.get("fault");
    const faulty = await startPubsubServer({
      onPublish: async (request, accept) => {
        const refused = faultOf(request) === "refuse";
        if (refused) throw new GrpcError(status.UNAVAILABLE, "refused");
        const response = accept();
        const lost = faultOf(request) === "lose";
        if (lost) throw new GrpcError(status.UNAVAILABLE, "lost");
        return response;
      },
    });
    const faultyClients = new PubsubClients(faulty.address);
    try {
      const topic = await faultyClients.createTopic();
      const subscription = await faultyClients.createSubscription(topic);
      const publish = (fault: string) =>
        faultyClients.publisher
          .publish({ topic, messages: [{ data: Buffer.from(fault), attributes: { fault } }] }, ONCE)
          .then(
            () => "accepted",
            (error) => error.details,
          );
      expect(await publish("refuse")).toBe("refused");
      expect(await publish("lose")).toBe("lost");
      expect(await publish("none")).toBe("accepted");
      expect(texts(await faultyClients.pull(subscription, 2))).toEqual(["lose", "none"]);
    } finally {
      await faultyClients.close();
      await faulty.stop();
    }
  });

  test("ends the streams of a subscription that is deleted", async () => {
    const topic = await clients.createTopic();
    const subscription = await clients.createSubscription(topic);
    const openBefore = server.stats().openStreams;
    const stream = clients.subscriber.streamingPull(ONCE);
    const error = new Promise((resolve) => stream.on("error", resolve));
    const opened = new Promise((resolve) => stream.once("data", resolve));
    stream.write({ subscription, streamAckDeadlineSeconds: 10 });
    await opened;
    await clients.subscriber.deleteSubscription({ subscription }, ONCE);
    expect(await error).toMatchObject({ code: status.NOT_FOUND });
    await vi.waitFor(() => expect(server.stats().openStreams).toBeLessThanOrEqual(openBefore), {
      timeout: 20_000,
    });
  });

  test("lists in pages", async () => {
    const topic = await clients.createTopic();
    const created = new Set<string>();
    for (let i = 0; i < 5; i++) created.add(await clients.createSubscription(topic));
    const listed: string[] = [];
    let pageToken: string | null | undefined = "";
    do {
      const [names, , page]: [string[], unknown, { nextPageToken?: string | null }] =
        await clients.publisher.listTopicSubscriptions(
          { topic, pageSize: 2, pageToken },
          { ...ONCE, autoPaginate: false },
        );
      expect(names.length).toBeLessThanOrEqual(2);
      listed.push(...names);
      pageToken = page?.nextPageToken;
    } while (pageToken);
    expect(listed).toHaveLength(5);
    expect(new Set(listed)).toEqual(created);
  });
});
