import { type ConsumerOptions, schemaOf } from "./consumer-options.ts";
import type { MessageKey } from "./envelope.ts";
import { type Queryable, rowsOf } from "./queryable.ts";

export type ConsumerStatus = {
  parked: number;
  blockedKeys: number;
  /** Keys whose next message is parked and may be applied: some of them, when there are many. */
  drainable: MessageKey[];
};

const MAX_KEYS = 1000;

/** What waits, over all processes of a consumer. */
export async function readConsumerStatus(
  db: Queryable,
  options: ConsumerOptions,
): Promise<ConsumerStatus> {
  const schema = schemaOf(options);
  const [totals] = await rowsOf<{ parked: string; blocked: string }>(
    db,
    `select coalesce(sum(parked), 0) as parked, count(blocked_at) as blocked
     from ${schema}.high_water_mark
     where consumer = $1 and (parked > 0 or blocked_at is not null)`,
    [options.name],
  );
  const drainable = await rowsOf<MessageKey>(
    db,
    `select publication, ordering_key as "orderingKey"
     from ${schema}.high_water_mark as mark
     join ${schema}.parked_message as parked using (consumer, publication, ordering_key)
     where consumer = $1 and mark.parked > 0 and blocked_at is null
       and parked.sequence = mark.sequence + 1
     limit ${MAX_KEYS}`,
    [options.name],
  );
  return {
    parked: Number(totals?.parked ?? 0),
    blockedKeys: Number(totals?.blocked ?? 0),
    drainable,
  };
}
