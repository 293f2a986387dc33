import { type ConsumerOptions, schemaOf } from "./consumer-options.ts";
import { DifferentBytes } from "./different-bytes.ts";
import type { Envelope, MessageKey } from "./envelope.ts";
import { type HighWaterMark, keyValues } from "./high-water-mark.ts";
import { type Queryable, rowsOf } from "./queryable.ts";

/** A message as tables `parked_message` and `dead_letter` keep it. */
export type StoredRow = {
  sequence: string;
  message_id: string;
  hash: string;
  data: Uint8Array;
  attributes: Record<string, string>;
  publish_time: Date | null;
};

type StoredMessage = Pick<Envelope, "sequence" | "messageId" | "hash" | "source">;

const OF_KEY = "consumer = $1 and publication = $2 and ordering_key = $3";

/**
 * Stores a message until its turn comes. A copy of what is there already changes nothing.
 *
 * @param mark of the locked key; its count of parked messages is kept up to date
 * @throws DifferentBytes when another message is parked in its place
 */
export async function park(
  tx: Queryable,
  envelope: Envelope,
  mark: HighWaterMark,
  options: ConsumerOptions,
): Promise<void> {
  if (await hasParkedCopy(tx, envelope, mark, options)) return;
  await tx.query(
    `insert into ${schemaOf(options)}.parked_message
       (consumer, publication, ordering_key, sequence, message_id, hash, data, attributes, publish_time)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [...keyValues(envelope, options), ...storedMessage(envelope)],
  );
  mark.parked += 1;
}

/** The columns from `sequence` to `publish_time` of a stored message. */
export function storedMessage({ sequence, messageId, hash, source }: StoredMessage): unknown[] {
  const { data, attributes, publishTime } = source;
  const milliseconds = publishTime && new Date(publishTime.getTime());
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return [sequence, messageId, hash, bytes, JSON.stringify(attributes), milliseconds ?? null];
}

/**
 * Whether this very message is parked.
 *
 * @throws DifferentBytes when another message is parked in its place
 */
export async function hasParkedCopy(
  tx: Queryable,
  envelope: Envelope,
  mark: HighWaterMark,
  options: ConsumerOptions,
): Promise<boolean> {
  if (mark.parked === 0) return false;
  const [row] = await rowsOf<Pick<StoredRow, "message_id" | "hash">>(
    tx,
    `select message_id, hash from ${schemaOf(options)}.parked_message
     where ${OF_KEY} and sequence = $4`,
    [...keyValues(envelope, options), envelope.sequence],
  );
  if (row && row.hash !== envelope.hash)
    throw new DifferentBytes(envelope, { messageId: row.message_id, hash: row.hash });
  return row !== undefined;
}

/** The parked messages that follow `after` without a gap, in order, at the most `limit`. */
export async function parkedAfter(
  tx: Queryable,
  key: MessageKey,
  after: number,
  limit: number,
  options: ConsumerOptions,
): Promise<Envelope[]> {
  const rows = await rowsOf<StoredRow>(
    tx,
    `select sequence, message_id, hash, data, attributes, publish_time
     from ${schemaOf(options)}.parked_message
     where ${OF_KEY} and sequence > $4 and sequence <= $4 + $5::bigint order by sequence`,
    [...keyValues(key, options), after, limit],
  );
  const following = rows.map((row) => toEnvelope(row, key));
  const gap = following.findIndex(({ sequence }, index) => sequence !== after + 1 + index);
  return gap === -1 ? following : following.slice(0, gap);
}

/** The parked message whose turn it is, if any. A look without a lock. */
export async function nextParked(
  db: Queryable,
  key: MessageKey,
  options: ConsumerOptions,
): Promise<Envelope | null> {
  const [row] = await rowsOf<StoredRow>(
    db,
    `select sequence, message_id, hash, data, attributes, publish_time
     from ${schemaOf(options)}.parked_message
     where ${OF_KEY} and sequence = (
       select sequence + 1 from ${schemaOf(options)}.high_water_mark
       where ${OF_KEY} and parked > 0 and blocked_at is null)`,
    keyValues(key, options),
  );
  return row ? toEnvelope(row, key) : null;
}

/** A stored message as it came. */
export function toEnvelope(row: StoredRow, { publication, orderingKey }: MessageKey): Envelope {
  const { data, attributes, publish_time } = row;
  return {
    publication,
    orderingKey,
    sequence: Number(row.sequence),
    messageId: row.message_id,
    hash: row.hash,
    source: { data, attributes, orderingKey, publishTime: publish_time ?? undefined },
  };
}

/** Removes this very message. */
export async function unparkMessage(
  tx: Queryable,
  envelope: Envelope,
  mark: HighWaterMark,
  options: ConsumerOptions,
): Promise<void> {
  if (mark.parked === 0) return;
  const gone = await rowsOf(
    tx,
    `delete from ${schemaOf(options)}.parked_message
     where ${OF_KEY} and sequence = $4 and hash = $5 returning 1`,
    [...keyValues(envelope, options), envelope.sequence, envelope.hash],
  );
  mark.parked -= gone.length;
}

/** Removes what the mark has reached. */
export async function unparkReached(
  tx: Queryable,
  key: MessageKey,
  mark: HighWaterMark,
  options: ConsumerOptions,
): Promise<void> {
  if (mark.parked === 0) return;
  const gone = await rowsOf(
    tx,
    `delete from ${schemaOf(options)}.parked_message where ${OF_KEY} and sequence <= $4 returning 1`,
    [...keyValues(key, options), mark.sequence],
  );
  mark.parked -= gone.length;
}
