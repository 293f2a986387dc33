import { type Message, PubSub, type Subscription } from "@google-cloud/pubsub";

/** Subscription that the live view reads; it has no other reader. */
const SUBSCRIPTION_SUFFIX = "live-view";
const ALREADY_EXISTS = 6;

/**
 * Subscribes to topics as any consumer would, in order, and hands over every message.
 *
 * @returns a function that ends it
 */
export async function watchTopics(
  { projectId, emulatorHost }: { projectId: string; emulatorHost: string },
  topics: string[],
  onMessage: (topic: string, message: Message) => void,
): Promise<() => Promise<void>> {
  const pubsub = new PubSub({ projectId, apiEndpoint: emulatorHost, emulatorMode: true });
  const subscriptions: Subscription[] = [];
  for (const topic of topics) {
    const name = `${topic}.${SUBSCRIPTION_SUFFIX}`;
    await pubsub
      .topic(topic)
      .createSubscription(name, { enableMessageOrdering: true, filter: "attributes:event_id" })
      .catch((error) => {
        if (error.code !== ALREADY_EXISTS) throw error;
      });
    const subscription = pubsub.subscription(name);
    subscription.on("message", (message: Message) => {
      onMessage(topic, message);
      message.ack();
    });
    // The client reconnects by itself; the view shows what it gets.
    subscription.on("error", () => undefined);
    subscriptions.push(subscription);
  }
  return async () => {
    await Promise.all(subscriptions.map((each) => each.close()));
    await pubsub.close();
  };
}
