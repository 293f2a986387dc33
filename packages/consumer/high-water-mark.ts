import { type ConsumerOptions, schemaOf } from "./consumer-options.ts";
import type { MessageKey } from "./envelope.ts";
import { type Queryable, rowsOf } from "./queryable.ts";

/** How far a key has come. Read under a lock and written back in the same transaction. */
export type HighWaterMark = {
  /** The last sequence applied; 0 before the first. */
  sequence: number;
  messageId: string | null;
  hash: string | null;
  /** Messages of this key that are parked. */
  parked: number;
  /** Sequence of the dead letter that the key waits for. */
  blockedAt: number | null;
};

type Row = {
  sequence: string;
  message_id: string | null;
  hash: string | null;
  parked: string;
  blocked_at: string | null;
};

/**
 * Locks a key until the transaction ends, and creates its mark when it has none: whoever comes next
 * with the same key waits here, also with its very first message.
 *
 * @param firstSequence the sequence that a key without a mark was met with
 */
export async function lockHighWaterMark(
  tx: Queryable,
  key: MessageKey,
  firstSequence: number,
  options: ConsumerOptions,
): Promise<HighWaterMark> {
  const found = await selectForUpdate(tx, key, options);
  if (found) return found;
  // When another transaction is just inserting it, this waits for that one to end.
  await tx.query(
    `insert into ${schemaOf(options)}.high_water_mark (consumer, publication, ordering_key, sequence)
     values ($1, $2, $3, $4) on conflict do nothing`,
    [...keyValues(key, options), beforeFirst(firstSequence, options)],
  );
  const made = await selectForUpdate(tx, key, options);
  // Only an isolation level with a fixed snapshot hides a row that the insert ran into.
  if (!made)
    throw new Error(`the mark of key ${key.orderingKey} is not visible: use READ COMMITTED`);
  return made;
}

/** The mark of a key that has none yet: one below the first sequence to apply. */
export function beforeFirst(firstSequence: number, { startAt }: ConsumerOptions): number {
  return startAt === "first-seen" ? firstSequence - 1 : 0;
}

async function selectForUpdate(
  tx: Queryable,
  key: MessageKey,
  options: ConsumerOptions,
): Promise<HighWaterMark | null> {
  const [row] = await rowsOf<Row>(
    tx,
    `select sequence, message_id, hash, parked, blocked_at from ${schemaOf(options)}.high_water_mark
     where consumer = $1 and publication = $2 and ordering_key = $3 for update`,
    keyValues(key, options),
  );
  if (!row) return null;
  return {
    sequence: Number(row.sequence),
    messageId: row.message_id,
    hash: row.hash,
    parked: Number(row.parked),
    blockedAt: row.blocked_at === null ? null : Number(row.blocked_at),
  };
}

/**
 * Writes the mark of a locked key. The count of failures is the next message's: it starts again
 * when the mark moves, and when an operator decided on a dead letter.
 */
export async function saveHighWaterMark(
  tx: Queryable,
  key: MessageKey,
  mark: HighWaterMark,
  options: ConsumerOptions,
): Promise<void> {
  await tx.query(
    `update ${schemaOf(options)}.high_water_mark
     set sequence = $4, message_id = $5, hash = $6, parked = $7, blocked_at = $8,
       attempts = case when sequence = $4 and blocked_at is not distinct from $8 then attempts else 0 end,
       last_error = case when sequence = $4 and blocked_at is not distinct from $8 then last_error end,
       updated_at = now()
     where consumer = $1 and publication = $2 and ordering_key = $3`,
    [
      ...keyValues(key, options),
      mark.sequence,
      mark.messageId,
      mark.hash,
      mark.parked,
      mark.blockedAt,
    ],
  );
}

export function keyValues(key: MessageKey, { name }: ConsumerOptions): string[] {
  return [name, key.publication, key.orderingKey];
}
