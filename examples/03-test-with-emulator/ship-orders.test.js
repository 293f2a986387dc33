import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startPubsubServer } from "@escrow-stream/pubsub-emulator";
import { PubSub } from "@google-cloud/pubsub";
import { ONE_AT_A_TIME, shipOrders } from "./ship-orders.js";

/* A server in the test's own process, on a port that is free, with nothing to clean up. */

let server;
let pubsub;

before(async () => {
  server = await startPubsubServer();
  pubsub = new PubSub({
    projectId: "test",
    apiEndpoint: server.address,
    emulatorMode: true,
  });
});

after(async () => {
  await pubsub.close();
  await server.stop();
});

test("a customer's orders are shipped in sequence, also when one has to be tried again", async () => {
  await pubsub.createTopic("orders");
  const topic = pubsub.topic("orders", { messageOrdering: true });
  await topic.createSubscription("shipping", { enableMessageOrdering: true });
  const subscription = pubsub.subscription("shipping", ONE_AT_A_TIME);
  const shipped = [];
  let isFull = true;
  const done = new Promise((resolve) => {
    shipOrders(subscription, async (order) => {
      if (order === 2 && isFull) {
        isFull = false;
        throw new Error("the warehouse is full");
      }
      shipped.push(order);
      if (order === 3) resolve();
    });
  });

  for (const order of [1, 2, 3])
    await topic.publishMessage({ json: { order }, orderingKey: "customer-7" });

  await done;
  await subscription.close();
  assert.deepEqual(shipped, [1, 2, 3]);
});
