import { status } from "@grpc/grpc-js";
import type { Kysely } from "kysely";
import { auditTopic, NoAuditSubscription } from "../../packages/relay/audit/audit-topic.ts";
import { codeOf } from "../../packages/relay/publish/publish-error.ts";
import { explain, type PubsubConfig } from "../../packages/relay/publish/pubsub-endpoint.ts";
import type { Check, Findings } from "./findings.ts";
import type { JournalPublication } from "./journal-publications.ts";

/** How much of a topic could be compared with the journal. */
export type TopicCheck = {
  topic: string;
  /** Messages that were read and judged. */
  compared: number;
  /** Published messages that nothing can be said about, because no subscription holds them. */
  cannotTell: number;
  /** Why not, and what to do; null when everything could be compared. */
  reason: string | null;
};

/**
 * Compares a topic with the journal as far as the auditor's subscription has it. The receipts
 * subscription is the relay's alone: reading it here would take evidence from a key in doubt.
 *
 * @param pubsub null when Pub/Sub is not configured
 * @throws PubsubAway when it does not answer
 */
export async function checkTopic(
  db: Kysely<unknown>,
  pubsub: PubsubConfig | null,
  { topic, published }: JournalPublication,
  idleMs: number,
  findings: Findings,
): Promise<TopicCheck> {
  const nothing = (reason: string): TopicCheck => ({
    topic,
    compared: 0,
    cannotTell: published,
    reason,
  });
  if (pubsub === null) return nothing("PUBSUB_PROJECT_ID is not set: Pub/Sub was not asked");
  const subscription = `${topic}.audit`;
  try {
    const { judge, expected, outOfSight } = await auditTopic(db, pubsub, {
      topic,
      subscription,
      idleMs,
      onProgress: () => undefined,
    });
    for (const { kind, orderingKey, sequence, eventId, detail } of judge.findings)
      findings.add(
        `topic-${kind}` satisfies Check,
        eventId ?? orderingKey,
        `${topic} ${orderingKey} #${sequence}: ${detail}`,
      );
    const reason = `published before subscription ${subscription} was made`;
    return {
      topic,
      compared: expected,
      cannotTell: outOfSight,
      reason: outOfSight === 0 ? null : reason,
    };
  } catch (error) {
    if (error instanceof NoAuditSubscription)
      return nothing(
        `there is no subscription ${subscription}: npm run audit:topic -- --topic ${topic} --create makes it, and it sees what is published from then on`,
      );
    if (codeOf(error) === status.PERMISSION_DENIED)
      return nothing(
        `these credentials may not read ${subscription}: grant them roles/pubsub.subscriber and roles/pubsub.viewer on it`,
      );
    throw explain(pubsub, error);
  }
}
