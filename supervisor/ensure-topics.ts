import { type RelayConfig, TopicUnusable } from "@escrow-stream/relay";
import { ConfigError } from "../config/config-error.ts";
import { PubsubTopics } from "../packages/relay/publish/pubsub-topics.ts";

/**
 * Makes sure that every topic is there and open to us, before anything is begun.
 *
 * @throws TopicUnusable, or ConfigError when Pub/Sub does not answer
 */
export async function ensureTopics({
  pubsub,
  publications,
  createTopics,
}: RelayConfig): Promise<void> {
  const topics = new PubsubTopics(pubsub);
  try {
    await Promise.all(publications.map(({ topic }) => topics.ensure(topic, createTopics)));
  } catch (error) {
    if (error instanceof TopicUnusable) throw error;
    const where = pubsub.emulatorHost ? "PUBSUB_EMULATOR_HOST" : "PUBSUB_PROJECT_ID";
    const what = (error as Error).message;
    throw new ConfigError([{ where, what, code: "ES-PUBSUB-UNREACHABLE" }], { cause: error });
  } finally {
    await topics.close();
  }
}
