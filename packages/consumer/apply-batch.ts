import type { ConsumerOptions } from "./consumer-options.ts";
import { refuseRivals } from "./dead-letter.ts";
import { type DecodedMessage, decodeMessage } from "./decode-message.ts";
import { DifferentBytes } from "./different-bytes.ts";
import type { Envelope, MessageKey } from "./envelope.ts";
import { type HighWaterMark, lockHighWaterMark, saveHighWaterMark } from "./high-water-mark.ts";
import { MalformedMessage } from "./malformed-message.ts";
import { hasParkedCopy, park, parkedAfter, unparkReached } from "./parking.ts";
import type { Queryable } from "./queryable.ts";

/** What a message does to the consumer's own tables, through the transaction given. */
export type Effect<Tx extends Queryable = Queryable> = (
  message: DecodedMessage,
  tx: Tx,
) => Promise<void> | void;

/**
 * - `applied`: its effect ran.
 * - `duplicate`: it was applied before; its effect did not run.
 * - `early`: a message before it is missing or a dead letter; hand it back to Pub/Sub.
 * - `parked`: as `early`, and stored; acknowledge it.
 * - `dead-lettered`: it is the dead letter that its key waits for; acknowledge it.
 */
export type Outcome = "applied" | "duplicate" | "early" | "parked" | "dead-lettered";

export type BatchResult = {
  outcomes: ReadonlyMap<Envelope, Outcome>;
  /** Parked messages whose turn came, and which were applied as well, in order. */
  drained: readonly Envelope[];
  /** Messages of the key that stay parked. */
  parked: number;
};

type Batch = {
  key: MessageKey;
  /** In any order. */
  messages: readonly Envelope[];
  /** How many parked messages to apply at the most, once their gap is filled; all by default. */
  drainLimit?: number;
};

const DRAIN_CHUNK = 100;

/**
 * Applies messages of one key as one unit: locks the key's mark, runs the
 * effect of each message that is the next one, moves the mark. Everything happens in the caller's
 * transaction: when that rolls back, nothing has happened.
 *
 * @throws DifferentBytes, MalformedMessage (a message under two sequences), what the effect throws; then roll back
 */
export async function applyBatch<Tx extends Queryable>(
  tx: Tx,
  { key, messages, drainLimit = Number.POSITIVE_INFINITY }: Batch,
  effect: Effect<Tx>,
  options: ConsumerOptions,
): Promise<BatchResult> {
  const sorted = messages.toSorted((a, b) => a.sequence - b.sequence);
  const mark = await lockHighWaterMark(tx, key, sorted[0]?.sequence ?? 1, options);
  const before = { ...mark };
  const outcomes = new Map<Envelope, Outcome>();
  const drained: Envelope[] = [];
  const drainParked = async () => {
    const limit = drainLimit - drained.length;
    drained.push(...(await drain(tx, { key, mark, limit }, effect, options)));
  };

  for (const message of sorted) {
    // What is missing before it may be parked.
    if (message.sequence > mark.sequence + 1) await drainParked();
    const outcome = judge(message, mark);
    outcomes.set(message, outcome);
    if (outcome === "applied") {
      await hasParkedCopy(tx, message, mark, options);
      await effect(decodeMessage(message), tx);
      advance(mark, message);
    } else if (outcome === "dead-lettered") await refuseRivals(tx, message, options);
    else if (outcome === "early" && options.onEarly === "park") {
      await park(tx, message, mark, options);
      outcomes.set(message, "parked");
    }
  }
  await drainParked();
  if (mark.sequence !== before.sequence) await unparkReached(tx, key, mark, options);
  if (mark.sequence !== before.sequence || mark.parked !== before.parked)
    await saveHighWaterMark(tx, key, mark, options);
  return { outcomes, drained, parked: mark.parked };
}

function judge(message: Envelope, mark: HighWaterMark): Outcome {
  if (message.sequence === mark.sequence && mark.hash !== null && mark.hash !== message.hash)
    throw new DifferentBytes(message, { messageId: mark.messageId, hash: mark.hash });
  if (message.sequence <= mark.sequence) return "duplicate";
  if (message.messageId === mark.messageId)
    throw new MalformedMessage(
      `Message ${message.messageId} has sequence ${message.sequence}, and had ${mark.sequence} before.`,
    );
  if (message.sequence === mark.blockedAt) return "dead-lettered";
  if (mark.blockedAt !== null || message.sequence > mark.sequence + 1) return "early";
  return "applied";
}

function advance(mark: HighWaterMark, { sequence, messageId, hash }: Envelope): void {
  mark.sequence = sequence;
  mark.messageId = messageId;
  mark.hash = hash;
}

async function drain<Tx extends Queryable>(
  tx: Tx,
  { key, mark, limit }: { key: MessageKey; mark: HighWaterMark; limit: number },
  effect: Effect<Tx>,
  options: ConsumerOptions,
): Promise<Envelope[]> {
  const drained: Envelope[] = [];
  while (mark.parked > 0 && mark.blockedAt === null && drained.length < limit) {
    const chunk = Math.min(DRAIN_CHUNK, limit - drained.length);
    const next = await parkedAfter(tx, key, mark.sequence, chunk, options);
    for (const message of next) {
      await effect(decodeMessage(message), tx);
      advance(mark, message);
      drained.push(message);
    }
    if (next.length < chunk) break;
  }
  return drained;
}
