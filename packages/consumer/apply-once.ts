import { applyBatch, type Effect, type Outcome } from "./apply-batch.ts";
import type { ConsumerOptions } from "./consumer-options.ts";
import { checkExpected, type ExpectedPublication } from "./expected-publication.ts";
import type { PubsubMessage } from "./pubsub-message.ts";
import type { Queryable } from "./queryable.ts";
import { readEnvelope } from "./read-envelope.ts";

export type ApplyResult = {
  /** As of a batch; `barrier`: a message for the relay itself. */
  outcome: Outcome | "barrier";
  /** Parked messages that were applied after this one, because it filled their gap. */
  drained: number;
};

/**
 * Applies a Pub/Sub message exactly once: runs `effect` when the message is the next of its key,
 * and moves the key's high-water mark in the same transaction. What Pub/Sub or the relay deliver
 * again is dropped, what comes too early is held back.
 *
 * Acknowledge after the commit for every outcome but `early`; hand back (nack) what is `early` and
 * whatever was rolled back. Consumers of the same key wait for each other inside, so the
 * transaction must be READ COMMITTED (PostgreSQL's default).
 *
 * @param tx a connection inside a transaction that the caller began and will commit, or roll back
 *   when this throws
 * @throws MalformedMessage or DifferentBytes (both `PermanentFailure`: do not try again), or what
 *   the effect throws
 */
export async function applyOnce<Tx extends Queryable>(
  tx: Tx,
  message: PubsubMessage,
  effect: Effect<Tx>,
  options: ConsumerOptions & { publication: ExpectedPublication },
): Promise<ApplyResult> {
  checkExpected(options.publication);
  const envelope = readEnvelope(message, options.publication);
  if (envelope === null) return { outcome: "barrier", drained: 0 };
  const { outcomes, drained } = await applyBatch(
    tx,
    { key: envelope, messages: [envelope] },
    effect,
    options,
  );
  return { outcome: outcomes.get(envelope) as Outcome, drained: drained.length };
}
