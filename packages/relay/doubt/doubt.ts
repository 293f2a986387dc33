import { type Kysely, type RawBuilder, sql } from "kysely";
import type { Publication } from "../journal/publication.ts";
import { isLeader } from "../leases/fence.ts";
import type { Lease } from "../leases/lease-keeper.ts";

/** A key whose last request nobody knows the outcome of. */
export type DoubtedKey = {
  orderingKey: string;
  publishedSequence: number;
  inDoubtSequence: number;
  /** When the request was claimed, which tells it from an earlier one with the same messages. */
  inDoubtAt: string | null;
};

type Row = {
  ordering_key: string;
  published_sequence: string;
  in_doubt_sequence: string;
  in_doubt_at: string | null;
};

/** The keys of a publication that wait for the receipts, at most `limit`. */
export async function readDoubtedKeys(
  db: Kysely<unknown>,
  { id }: Publication,
  limit: number,
): Promise<DoubtedKey[]> {
  const { rows } = await sql<Row>`
    select ordering_key, published_sequence, in_doubt_sequence, in_doubt_at::text
    from relay.ordering_key
    where publication_id = ${id} and published_sequence < in_doubt_sequence and is_doubted
      and blocked_reason is null
    order by ordering_key limit ${limit}`.execute(db);
  return rows.map((row) => ({
    orderingKey: row.ordering_key,
    publishedSequence: Number(row.published_sequence),
    inDoubtSequence: Number(row.in_doubt_sequence),
    inDoubtAt: row.in_doubt_at,
  }));
}

/**
 * Writes down what the topic holds, before the receipts are acknowledged: a receipt is never
 * forgotten while its message may still come into doubt.
 *
 * Locks: rows of `ordering_key`, in the order of the key.
 *
 * @returns how many keys the topic holds more of than this journal ever sent: it is older than the
 *   topic then, because every message is recorded as in doubt before it leaves
 */
export async function recordReceipts(
  db: Kysely<unknown>,
  { id }: Publication,
  receipts: { orderingKey: string; sequence: number }[],
): Promise<number> {
  const newest = new Map<string, number>();
  for (const { orderingKey, sequence } of receipts)
    newest.set(orderingKey, Math.max(sequence, newest.get(orderingKey) ?? 0));
  const keys = [...newest.keys()];
  const { rows } = await sql<{ unknown: string }>`
    /* receipt */
    with read as (
      select * from unnest(${keys}::text[], ${[...newest.values()]}::bigint[])
        as r (ordering_key, sequence)
    ),
    locked as materialized (
      select k.ordering_key, r.sequence
      from relay.ordering_key k join read r using (ordering_key)
      where k.publication_id = ${id} and k.receipt_sequence < r.sequence
        and k.published_sequence < r.sequence
      order by k.ordering_key
      for update of k
    ),
    noted as (
      update relay.ordering_key k set receipt_sequence = greatest(k.receipt_sequence, l.sequence)
      from locked l
      where k.publication_id = ${id} and k.ordering_key = l.ordering_key
    )
    select count(*) as unknown
    from read r
    left join relay.ordering_key k
      on k.publication_id = ${id} and k.ordering_key = r.ordering_key
         and k.in_doubt_sequence >= r.sequence
    where k.ordering_key is null`.execute(db);
  return Number(rows[0]?.unknown ?? 0);
}

/** What receipts are kept for may not be the clock's hour to the second. */
const RETENTION_MARGIN_MS = 60_000;

/**
 * Ends the doubt of keys whose barrier came by: what has a receipt was accepted, what has none was
 * not, and is sent again when its owner claims it. But a receipt may have been dropped that is older
 * than receipts are kept: then nobody knows, and the key is blocked for an operator.
 *
 * @param keptForMs how long receipts are kept that were not read
 * @returns how many keys were resolved, how many of their requests had been accepted, and which keys
 *   nobody knows of
 */
export async function resolveDoubts(
  db: Kysely<unknown>,
  { id }: Publication,
  instance: string,
  leader: Lease,
  keys: DoubtedKey[],
  keptForMs: number,
): Promise<{ resolved: number; accepted: number; unknowable: string[] }> {
  const { rows } = await sql<{ ordering_key: string; is_accepted: boolean; is_known: boolean }>`
    /* resolve */
    with doubted as (
      select * from unnest(${keys.map((key) => key.orderingKey)}::text[],
                           ${keys.map((key) => key.inDoubtSequence)}::bigint[])
        as d (ordering_key, sequence)
    ),
    locked as materialized (
      select k.ordering_key,
             greatest(k.published_sequence, least(k.receipt_sequence, k.in_doubt_sequence)) as upto,
             k.receipt_sequence > k.published_sequence as was_accepted,
             k.receipt_sequence >= k.in_doubt_sequence or k.in_doubt_at > clock_timestamp()
               - ${keptForMs - RETENTION_MARGIN_MS} * interval '1 ms' as is_known
      from relay.ordering_key k join doubted d using (ordering_key)
      where k.publication_id = ${id} and k.is_doubted and k.in_doubt_sequence = d.sequence
        and ${isLeader(instance, leader)}
      order by k.ordering_key
      for update of k
    )
    update relay.ordering_key k
    set published_sequence = case when l.is_known then l.upto else k.published_sequence end,
        in_doubt_sequence = case when l.is_known then l.upto else k.in_doubt_sequence end,
        is_doubted = not l.is_known,
        blocked_reason = case when l.is_known then k.blocked_reason else format(
          'nobody knows whether sequences %s to %s, sent at %s, were accepted: receipts are not kept for so long',
          k.published_sequence + 1, k.in_doubt_sequence, k.in_doubt_at) end
    from locked l
    where k.publication_id = ${id} and k.ordering_key = l.ordering_key
    returning k.ordering_key, l.was_accepted as is_accepted, l.is_known`.execute(db);
  const known = rows.filter(({ is_known }) => is_known);
  return {
    resolved: known.length,
    accepted: known.filter(({ is_accepted }) => is_accepted).length,
    unknowable: rows.filter(({ is_known }) => !is_known).map((row) => row.ordering_key),
  };
}

/**
 * Doubts everything that was sent and has no answer, after a journal was brought up to date: who
 * waited for the answer may have heard it in another database.
 */
export async function doubtAll(
  db: Kysely<unknown>,
  { id }: Publication,
  authority: RawBuilder<boolean>,
): Promise<void> {
  await sql`
    update relay.ordering_key set is_doubted = true
    where publication_id = ${id} and published_sequence < in_doubt_sequence and not is_doubted
      and ${authority}`.execute(db);
}

/**
 * How long ago the oldest request was sent that has no answer yet, and may still have a receipt, in
 * milliseconds by PostgreSQL's clock; that clock's time; and whether there is something to publish.
 */
export async function readOldestInDoubt(
  db: Kysely<unknown>,
  { id }: Publication,
): Promise<{ nowMs: number; sentAtMs: number | null; hasBacklog: boolean }> {
  const { rows } = await sql<{ now: string; sent: string | null; has_backlog: boolean }>`
    select extract(epoch from clock_timestamp()) * 1000 as now,
           extract(epoch from min(in_doubt_at)) * 1000 as sent,
           exists (select from relay.ordering_key
                   where publication_id = ${id} and published_sequence < last_sequence)
             as has_backlog
    from relay.ordering_key
    where publication_id = ${id} and published_sequence < in_doubt_sequence
      and blocked_reason is null`.execute(db);
  const [row] = rows;
  return {
    nowMs: Number(row?.now ?? 0),
    sentAtMs: row === undefined || row.sent === null ? null : Number(row.sent),
    hasBacklog: row?.has_backlog ?? true,
  };
}
