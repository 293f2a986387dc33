import { type ConsumerOptions, schemaOf } from "./consumer-options.ts";
import { DifferentBytes } from "./different-bytes.ts";
import type { Envelope } from "./envelope.ts";
import { lockHighWaterMark, saveHighWaterMark } from "./high-water-mark.ts";
import { storedMessage, unparkMessage, unparkReached } from "./parking.ts";
import type { PubsubMessage } from "./pubsub-message.ts";
import { type Queryable, rowsOf } from "./queryable.ts";

export type DeadLetter = {
  reason: string;
  attempts: number;
  /**
   * What becomes of the rest of the key. `block`: it waits until an operator calls
   * `resolveDeadLetter`. `skip`: the high-water mark moves on and the message is listed as skipped.
   */
  policy: "block" | "skip";
  /** Tells the world, e.g. on a dead-letter topic; runs while the key is locked. */
  publish: () => Promise<void>;
};

/**
 * Gives up on a message of a key and keeps it, bytes and all, in `dead_letter`.
 *
 * @returns false when there was nothing to give up: it was applied meanwhile, or is a dead letter
 * @throws what `publish` throws; then roll back
 */
export async function deadLetter(
  tx: Queryable,
  envelope: Envelope,
  { reason, attempts, policy, publish }: DeadLetter,
  options: ConsumerOptions,
): Promise<boolean> {
  const mark = await lockHighWaterMark(tx, envelope, envelope.sequence, options);
  const isReached = envelope.sequence <= mark.sequence;
  const isCopyOfApplied = isReached && (mark.hash === null || mark.hash === envelope.hash);
  if (isCopyOfApplied || envelope.sequence < mark.sequence) return false;

  // Given back once and failed again: it is undecided again. Decided otherwise: it stays so.
  const recorded = await rowsOf(
    tx,
    `insert into ${schemaOf(options)}.dead_letter as known
       (consumer, publication, ordering_key, sequence, message_id, hash, data, attributes,
        publish_time, reason, attempts, resolution, resolved_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::text,
        case when $12::text is not null then now() end)
     on conflict (consumer, hash) do update
     set reason = excluded.reason, attempts = excluded.attempts, dead_at = now(),
       resolution = excluded.resolution, resolved_at = excluded.resolved_at
     where known.resolution = 'retried'
     returning 1`,
    [
      options.name,
      envelope.publication,
      envelope.orderingKey,
      ...storedMessage(envelope),
      reason,
      attempts,
      policy === "skip" ? "skipped" : null,
    ],
  );
  if (recorded.length === 0) return false;
  await publish();

  await unparkMessage(tx, envelope, mark, options);
  if (policy === "block") mark.blockedAt = envelope.sequence;
  else {
    mark.sequence = envelope.sequence;
    mark.messageId = envelope.messageId;
    mark.hash = envelope.hash;
    await unparkReached(tx, envelope, mark, options);
  }
  await saveHighWaterMark(tx, envelope, mark, options);
  return true;
}

/** The undecided dead letters in a message's place. */
export async function undecidedAt(
  tx: Queryable,
  { publication, orderingKey, sequence }: Envelope,
  options: ConsumerOptions,
): Promise<{ message_id: string; hash: string }[]> {
  return await rowsOf(
    tx,
    `select message_id, hash from ${schemaOf(options)}.dead_letter
     where consumer = $1 and publication = $2 and ordering_key = $3 and sequence = $4
       and resolution is null order by id`,
    [options.name, publication, orderingKey, sequence],
  );
}

/** @throws DifferentBytes when the dead letter that a key waits for is another message than this */
export async function refuseRivals(
  tx: Queryable,
  message: Envelope,
  options: ConsumerOptions,
): Promise<void> {
  const known = await undecidedAt(tx, message, options);
  const [first] = known;
  if (first !== undefined && !known.some(({ hash }) => hash === message.hash))
    throw new DifferentBytes(message, { messageId: first.message_id, hash: first.hash });
}

/**
 * Keeps a message that does not say where it belongs: no key waits for it.
 *
 * @returns false when it is there already
 */
export async function deadLetterWithoutKey(
  tx: Queryable,
  message: { source: PubsubMessage; hash: string },
  { reason, attempts, publish }: Omit<DeadLetter, "policy">,
  options: ConsumerOptions,
): Promise<boolean> {
  const [, , hash, data, attributes, publishTime] = storedMessage({
    ...message,
    sequence: 0,
    messageId: "",
  });
  const recorded = await rowsOf(
    tx,
    `insert into ${schemaOf(options)}.dead_letter
       (consumer, message_id, hash, data, attributes, publish_time, reason, attempts)
     values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (consumer, hash) do nothing returning 1`,
    [
      options.name,
      message.source.attributes.event_id ?? null,
      hash,
      data,
      attributes,
      publishTime,
      reason,
      attempts,
    ],
  );
  if (recorded.length === 0) return false;
  await publish();
  return true;
}
