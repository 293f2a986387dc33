import { withKysely } from "../../db/with-kysely.ts";
import type { PubsubConfig } from "../../packages/relay/publish/pubsub-endpoint.ts";
import { checkTopic, type TopicCheck } from "./check-topic.ts";
import type { Findings } from "./findings.ts";
import type { JournalCheck } from "./verify-store.ts";

/**
 * Compares each publication's topic with its journal, which is read again: a topic has what was
 * published meanwhile.
 *
 * @param pubsub null when Pub/Sub is not configured
 * @param idleMs time without a message after which a topic is taken to be read
 */
export async function checkTopics(
  databaseUrl: string,
  publications: readonly JournalCheck[],
  {
    pubsub,
    idleMs,
    onProgress,
  }: {
    pubsub: PubsubConfig | null;
    idleMs: number;
    onProgress(step: string): void;
  },
  findings: Findings,
): Promise<TopicCheck[]> {
  return await withKysely(databaseUrl, async (db) => {
    const checks: TopicCheck[] = [];
    for (const publication of publications) {
      onProgress(`reading ${publication.topic}`);
      checks.push(await checkTopic(db, pubsub, publication, idleMs, findings));
    }
    return checks;
  });
}
