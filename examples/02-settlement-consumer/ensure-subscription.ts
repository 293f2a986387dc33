import type { PubSub } from "@google-cloud/pubsub";

const ALREADY_EXISTS = 6;

/**
 * Creates the subscription unless it is there, with message ordering.
 *
 * @throws the client's error, e.g. when the topic does not exist
 */
export async function ensureSubscription(
  pubsub: PubSub,
  { topic, subscription }: { topic: string; subscription: string },
): Promise<void> {
  try {
    await pubsub
      .topic(topic)
      .createSubscription(subscription, { enableMessageOrdering: true, ackDeadlineSeconds: 60 });
  } catch (error) {
    if ((error as { code?: number }).code !== ALREADY_EXISTS) throw error;
  }
}
