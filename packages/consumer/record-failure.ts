import { type ConsumerOptions, schemaOf } from "./consumer-options.ts";
import type { Envelope } from "./envelope.ts";
import { beforeFirst, keyValues } from "./high-water-mark.ts";
import { type Queryable, rowsOf } from "./queryable.ts";

/**
 * Counts a failure of the message that is next in its key. The count is durable: it survives a
 * restart, and it is one count for all processes of the consumer.
 *
 * @returns failures of this message so far; 0 when another process has applied it meanwhile
 */
export async function recordFailure(
  db: Queryable,
  envelope: Envelope,
  reason: string,
  options: ConsumerOptions,
): Promise<number> {
  const [row] = await rowsOf<{ attempts: number }>(
    db,
    `insert into ${schemaOf(options)}.high_water_mark as mark
       (consumer, publication, ordering_key, sequence, attempts, last_error)
     values ($1, $2, $3, $4, 1, $5)
     on conflict (consumer, publication, ordering_key) do update
     set attempts = mark.attempts + 1, last_error = excluded.last_error, updated_at = now()
     where mark.sequence = $6
     returning attempts`,
    [
      ...keyValues(envelope, options),
      beforeFirst(envelope.sequence, options),
      reason,
      envelope.sequence - 1,
    ],
  );
  return row?.attempts ?? 0;
}
