import type { Pool, PoolClient } from "pg";
import { applyBatch, type BatchResult, type Effect } from "./apply-batch.ts";
import type { ConsumerOptions } from "./consumer-options.ts";
import type { ConsumerStats } from "./consumer-stats.ts";
import { deadLetter } from "./dead-letter.ts";
import { DifferentBytes } from "./different-bytes.ts";
import type { Envelope } from "./envelope.ts";
import { inTransaction } from "./in-transaction.ts";
import { isTransient } from "./is-transient.ts";
import type { Delivery, Verdict, Work } from "./key-lanes.ts";
import type { Log } from "./log.ts";
import { nextParked } from "./parking.ts";
import { PermanentFailure } from "./permanent-failure.ts";
import type { PubsubMessage } from "./pubsub-message.ts";
import { recordFailure } from "./record-failure.ts";

export type ApplyWorkOptions = {
  consumer: ConsumerOptions;
  pool: Pool;
  effect: Effect<PoolClient>;
  /** Failures of a message until it is a dead letter. */
  maxAttempts: number;
  onDeadLetter: "block" | "skip";
  backoff: { firstMs: number; maxMs: number };
  publishDeadLetter: (message: PubsubMessage, reason: string, attempts: number) => Promise<void>;
  stats: ConsumerStats;
  clock: () => number;
  log: Log;
};

const DRAIN_LIMIT = 500;

/**
 * Applies one piece of work in one transaction and acknowledges after the commit. A batch that
 * fails is rolled back whole and taken message by message, so that what is good in it is applied
 * and the count of failures is that of the one which is not.
 */
export async function applyWork(work: Work, options: ApplyWorkOptions): Promise<Verdict> {
  try {
    return await (work.oneByOne ? applySingle(work, options) : applyMany(work, options));
  } catch (error) {
    // Only our own bookkeeping throws here; the database or the dead-letter topic is away.
    options.stats.retries += 1;
    options.log.error(
      { event: "apply.failed", err: error, ...work.key },
      "messages could not be applied; trying again",
    );
    return { status: "failed", retryAfterMs: options.backoff.maxMs };
  }
}

async function applyMany(work: Work, options: ApplyWorkOptions): Promise<Verdict> {
  try {
    const envelopes = work.deliveries.map(({ envelope }) => envelope);
    const result = await commitBatch(work, envelopes, DRAIN_LIMIT, options);
    return finish(work.deliveries, result, DRAIN_LIMIT, options);
  } catch (error) {
    if (isTransient(error)) return retryTransient(work, error, options);
    return { status: "one-by-one" };
  }
}

async function applySingle(work: Work, options: ApplyWorkOptions): Promise<Verdict> {
  const [delivery] = work.deliveries;
  let envelope = delivery?.envelope;
  try {
    const parked = await nextParked(options.pool, work.key, options.consumer);
    if (parked && (!envelope || parked.sequence < envelope.sequence)) envelope = parked;
    if (!envelope) return { status: "done", early: [], mayHaveParked: false };
    const result = await commitBatch(work, [envelope], 0, options);
    if (envelope === delivery?.envelope) return finish(work.deliveries, result, 0, options);
    return { status: "done", early: work.deliveries, mayHaveParked: true };
  } catch (error) {
    if (isTransient(error) || !envelope) return retryTransient(work, error, options);
    return onFailure(work, envelope, error, options);
  }
}

function commitBatch(
  { key }: Work,
  messages: Envelope[],
  drainLimit: number,
  { pool, effect, consumer }: ApplyWorkOptions,
): Promise<BatchResult> {
  return inTransaction(pool, (tx) =>
    applyBatch(tx, { key, messages, drainLimit }, effect, consumer),
  );
}

/** After the commit: acknowledges, counts, and says what is left. */
function finish(
  deliveries: Delivery[],
  { outcomes, drained, parked }: BatchResult,
  drainLimit: number,
  { stats, clock }: ApplyWorkOptions,
): Verdict {
  const early: Delivery[] = [];
  const applied = [...drained];
  for (const delivery of deliveries) {
    const outcome = outcomes.get(delivery.envelope);
    if (outcome === "applied") applied.unshift(delivery.envelope);
    if (outcome === "duplicate") stats.duplicates += 1;
    if (outcome === "early") early.push(delivery);
    else delivery.ack();
    if (outcome === "parked" || (outcome === "early" && !delivery.wasEarly)) {
      delivery.wasEarly = true;
      stats.early += 1;
    }
  }
  stats.applied += applied.length;
  const publishedAt = applied[0]?.source.publishTime;
  if (publishedAt) stats.lagMs = clock() - publishedAt.getTime();
  const isCutShort = drained.length === drainLimit && applied.length > 0;
  return { status: "done", early, mayHaveParked: parked > 0 && isCutShort };
}

function retryTransient(work: Work, error: unknown, options: ApplyWorkOptions): Verdict {
  options.stats.retries += 1;
  options.log.warn(
    { event: "database.unavailable", err: error, ...work.key },
    "the database was away or busy; trying again",
  );
  return { status: "failed", retryAfterMs: options.backoff.firstMs };
}

async function onFailure(
  work: Work,
  envelope: Envelope,
  error: unknown,
  options: ApplyWorkOptions,
): Promise<Verdict> {
  const { pool, consumer, maxAttempts, backoff, stats, log } = options;
  const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const isPermanent = error instanceof PermanentFailure;
  // A rival of what is already applied is not the key's next message, and is not counted as such.
  const attempts =
    error instanceof DifferentBytes ? 1 : await recordFailure(pool, envelope, reason, consumer);
  if (!isPermanent && attempts < maxAttempts) {
    const retryAfterMs = Math.min(backoff.firstMs * 2 ** Math.max(0, attempts - 1), backoff.maxMs);
    stats.retries += 1;
    log.warn(
      { event: "effect.failed", err: error, ...place(envelope), attempts, retryAfterMs },
      "an effect failed",
    );
    return { status: "failed", retryAfterMs };
  }
  const isNew = await inTransaction(pool, (tx) =>
    deadLetter(
      tx,
      envelope,
      {
        reason,
        attempts,
        // Nobody can say which of two rivals is right, so such a key never just goes on.
        policy: error instanceof DifferentBytes ? "block" : options.onDeadLetter,
        publish: () => options.publishDeadLetter(envelope.source, reason, attempts),
      },
      consumer,
    ),
  );
  if (isNew) {
    stats.deadLetters += 1;
    log.error(
      { event: "message.dead-letter", err: error, ...place(envelope), attempts },
      "a message is a dead letter",
    );
  }
  const own = work.deliveries.find((delivery) => delivery.envelope === envelope);
  own?.ack();
  const early = work.deliveries.filter((delivery) => delivery !== own);
  return { status: "done", early, mayHaveParked: true };
}

function place({ publication, orderingKey, sequence, messageId }: Envelope) {
  return { publication, orderingKey, sequence, messageId };
}
