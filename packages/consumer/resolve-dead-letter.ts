import { type ConsumerOptions, schemaOf } from "./consumer-options.ts";
import { undecidedAt } from "./dead-letter.ts";
import type { Envelope } from "./envelope.ts";
import { type HighWaterMark, lockHighWaterMark, saveHighWaterMark } from "./high-water-mark.ts";
import { park, parkedAfter, type StoredRow, toEnvelope, unparkReached } from "./parking.ts";
import { type Queryable, rowsOf } from "./queryable.ts";

export type Resolution = {
  /** `dead_letter.id` */
  id: number;
  /**
   * `skip`: the key goes on without it. `retry`: it is parked as the key's next message, and a
   * running consumer applies it within its sweep interval.
   */
  action: "skip" | "retry";
};

type Row = Omit<StoredRow, "sequence"> & {
  publication: string | null;
  ordering_key: string | null;
  sequence: string | null;
  resolution: string | null;
};

/**
 * An operator's decision on a dead letter; lets its key flow again.
 *
 * @param tx a transaction; see `in-transaction.ts`
 * @throws when there is no such dead letter, it was decided before, or it cannot be tried again
 */
export async function resolveDeadLetter(
  tx: Queryable,
  { id, action }: Resolution,
  options: ConsumerOptions,
): Promise<void> {
  const row = await find(tx, id, options);
  if (!row) throw new Error(`consumer ${options.name} has no dead letter ${id}`);
  if (row.resolution !== null) throw new Error(`dead letter ${id} was ${row.resolution} before`);

  const { publication, ordering_key: orderingKey, sequence } = row;
  if (publication !== null && orderingKey !== null && sequence !== null) {
    const message = toEnvelope({ ...row, sequence }, { publication, orderingKey });
    const mark = await lockHighWaterMark(tx, message, message.sequence, options);
    // Of two in one place, the key still waits for the other one when this one is skipped.
    const isAlone = (await undecidedAt(tx, message, options)).length === 1;
    if (action === "retry") await giveBack(tx, message, mark, options);
    else if (isAlone) await skip(tx, message, mark, options);
    if (mark.blockedAt === message.sequence && (isAlone || action === "retry"))
      mark.blockedAt = null;
    await saveHighWaterMark(tx, message, mark, options);
  } else if (action === "retry") {
    throw new Error(`dead letter ${id} does not say where it belongs: it can only be skipped`);
  }
  await tx.query(
    `update ${schemaOf(options)}.dead_letter set resolution = $3, resolved_at = now()
     where consumer = $1 and id = $2`,
    [options.name, id, action === "skip" ? "skipped" : "retried"],
  );
}

async function find(tx: Queryable, id: number, options: ConsumerOptions) {
  const [row] = await rowsOf<Row>(
    tx,
    `select publication, ordering_key, sequence, message_id, hash, data, attributes, publish_time,
       resolution
     from ${schemaOf(options)}.dead_letter where consumer = $1 and id = $2`,
    [options.name, id],
  );
  return row;
}

/** The mark passes the message, unless another one is parked in its place: that one is next. */
async function skip(
  tx: Queryable,
  message: Envelope,
  mark: HighWaterMark,
  options: ConsumerOptions,
): Promise<void> {
  if (mark.sequence !== message.sequence - 1) return;
  const rivals = await parkedAfter(tx, message, mark.sequence, 1, options);
  if (rivals.length > 0) return;
  mark.sequence = message.sequence;
  mark.messageId = message.messageId;
  mark.hash = message.hash;
  await unparkReached(tx, message, mark, options);
}

async function giveBack(
  tx: Queryable,
  message: Envelope,
  mark: HighWaterMark,
  options: ConsumerOptions,
): Promise<void> {
  if (message.sequence <= mark.sequence)
    throw new Error(
      `sequence ${message.sequence} of key ${message.orderingKey} is applied: the dead letter can only be skipped`,
    );
  await park(tx, message, mark, options);
}
