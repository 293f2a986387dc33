import { type PubsubServer, startPubsubServer } from "@escrow-stream/pubsub-emulator";
import { TopicUnusable } from "@escrow-stream/relay";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Receipts } from "../../packages/relay/doubt/receipts.ts";
import { ONCE, PubsubClients } from "../support/pubsub-clients.ts";

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

test.each<[string, object, string]>([
  ["is not ordered", { enableMessageOrdering: false }, "is not ordered"],
  ["lets only events through", { filter: "attributes:event_id" }, "has a filter"],
  [
    "gives receipts away",
    { deadLetterPolicy: { deadLetterTopic: "projects/p1/topics/topic-a", maxDeliveryAttempts: 5 } },
    "has a dead-letter policy",
  ],
])("A receipts subscription that %s is not believed [G-4]", async (_how, settings, problem) => {
  const topic = "topic-a";
  const receipts = new Receipts({ projectId: "p1", emulatorHost: server.address }, 3_600_000);
  const name = `projects/p1/subscriptions/${topic}.relay-receipts`;
  await clients.createTopic({}, topic).catch(() => undefined);
  try {
    await clients.subscriber.createSubscription(
      { name, topic: `projects/p1/topics/${topic}`, enableMessageOrdering: true, ...settings },
      ONCE,
    );
    const refused = expect(receipts.ensure(topic)).rejects;
    await refused.toBeInstanceOf(TopicUnusable);
    await expect(receipts.ensure(topic)).rejects.toThrow(problem);
  } finally {
    await clients.subscriber.deleteSubscription({ subscription: name }, ONCE);
    await receipts.close();
  }
});
