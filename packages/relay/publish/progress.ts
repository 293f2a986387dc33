import type { Attributes } from "@escrow-stream/messages";
import { type Kysely, sql } from "kysely";
import { isOpen } from "../journal/journal-state.ts";
import type { Publication } from "../journal/publication.ts";
import { type AttributesRow, sentAttributes } from "../journal/sent-attributes.ts";
import { ownedPartitions } from "../leases/fence.ts";
import type { Lease } from "../leases/lease-keeper.ts";

/** A message of the journal as it is sent: every copy of it is made of the same row. */
export type JournalMessage = {
  sequence: number;
  body: string;
  attributes: Attributes;
};

/** What goes into one publish request: the next messages of one ordering key, in sequence. */
export type Batch = {
  orderingKey: string;
  messages: JournalMessage[];
  /** The lease that it was claimed under. */
  lease: Lease;
};

/** Bounds of one claim, so that memory does not grow with the backlog. */
export type ClaimLimits = { keys: number; messages: number };

/** Pub/Sub takes 1,000 messages and 10 MB a request; the rest is room for keys, framing, and what is put into attributes. */
const MAX_MESSAGES_PER_REQUEST = 1_000;
const MAX_BYTES_PER_REQUEST = 8_000_000;

type ClaimedRow = AttributesRow & { ordering_key: string; partition: number; body: string };

/**
 * Takes the next batches to publish and records them as in doubt, before they leave. A key that is
 * in doubt is never claimed, whoever put it there: so at most one request of a key is under way.
 *
 * Locks: rows of `ordering_key`, in the order of the key.
 *
 * @param after keys up to this one had their turn; "" begins again
 */
export async function claim(
  db: Kysely<unknown>,
  publication: Publication,
  instance: string,
  leases: Lease[],
  after: string,
  limits: ClaimLimits,
): Promise<Batch[]> {
  const { id } = publication;
  const { rows } = await sql<ClaimedRow>`
    /* claim */
    with ready as materialized (
      select k.ordering_key, k.partition, k.published_sequence
      from relay.ordering_key k
      where k.publication_id = ${id}
        and k.published_sequence < k.last_sequence
        and k.in_doubt_sequence = k.published_sequence
        and k.blocked_reason is null
        and ${isOpen(id)}
        and k.ordering_key > ${after}
        and k.partition in ${ownedPartitions(id, instance, leases)}
      order by k.ordering_key
      limit ${limits.keys}
      for update
    ),
    batch as materialized (
      select r.ordering_key, r.partition, m.sequence, m.kind, m.event_id, m.incarnation, m.body,
             m.source_attributes
      from ready r cross join lateral (
        select n.*, sum(octet_length(n.body) + octet_length(n.source_attributes::text))
                      over (order by n.sequence) as bytes
        from (select * from relay.message
              where publication_id = ${id} and ordering_key = r.ordering_key
                and sequence > r.published_sequence
              order by sequence limit ${MAX_MESSAGES_PER_REQUEST}) n
      ) m
      where m.bytes <= ${MAX_BYTES_PER_REQUEST} or m.sequence = r.published_sequence + 1
      order by r.ordering_key, m.sequence
      limit ${limits.messages}
    ),
    in_doubt as (
      update relay.ordering_key k set in_doubt_sequence = b.upto, in_doubt_at = clock_timestamp()
      from (select ordering_key, max(sequence) as upto from batch group by ordering_key) b
      where k.publication_id = ${id} and k.ordering_key = b.ordering_key
    )
    select * from batch
    order by ordering_key, sequence`.execute(db);
  return groupByKey(publication, rows, new Map(leases.map((lease) => [lease.partition, lease])));
}

/** What became of a batch, to be written down. */
export type Outcome = Pick<Batch, "orderingKey" | "lease"> & {
  /** The batch's last sequence. */
  sequence: number;
};

/**
 * Records what Pub/Sub accepted. Doing it twice is harmless; without the lease nothing happens, and
 * the receipts tell the new owner.
 *
 * Locks: rows of `ordering_key`, in the order of the key.
 */
export async function markPublished(
  db: Kysely<unknown>,
  { id }: Publication,
  instance: string,
  outcomes: Outcome[],
): Promise<void> {
  const keys = outcomes.map((each) => each.orderingKey);
  const sequences = outcomes.map((each) => each.sequence);
  const leases = [...new Set(outcomes.map((each) => each.lease))];
  await sql`
    /* mark */
    with accepted as (
      select * from unnest(${keys}::text[], ${sequences}::bigint[]) as a (ordering_key, sequence)
    ),
    locked as materialized (
      select k.ordering_key from relay.ordering_key k
      where k.publication_id = ${id} and k.ordering_key = any (${keys}::text[])
        and k.partition in ${ownedPartitions(id, instance, leases)}
      order by k.ordering_key
      for update
    )
    update relay.ordering_key k set published_sequence = a.sequence
    from accepted a join locked using (ordering_key)
    where k.publication_id = ${id} and k.ordering_key = a.ordering_key
      and k.in_doubt_sequence = a.sequence and not k.is_doubted`.execute(db);
}

/** Hands a key over to the resolver: the request is over and nobody knows how it ended. */
export async function markDoubted(
  db: Kysely<unknown>,
  { id }: Publication,
  instance: string,
  { orderingKey, lease, sequence }: Outcome,
): Promise<void> {
  await sql`
    /* doubt */
    update relay.ordering_key k set is_doubted = true
    where k.publication_id = ${id} and k.ordering_key = ${orderingKey}
      and k.in_doubt_sequence = ${sequence} and k.published_sequence < k.in_doubt_sequence
      and k.partition in ${ownedPartitions(id, instance, [lease])}`.execute(db);
}

/**
 * Hands over what was claimed by a statement whose answer was lost: nobody waits for these keys.
 *
 * @param inFlight the keys that this instance knows to have claimed
 * @returns how many keys were handed over
 */
export async function doubtOrphanedClaims(
  db: Kysely<unknown>,
  { id }: Publication,
  instance: string,
  leases: Lease[],
  inFlight: string[],
): Promise<number> {
  const { numAffectedRows } = await sql`
    /* doubt */
    update relay.ordering_key k set is_doubted = true
    where k.publication_id = ${id} and k.published_sequence < k.in_doubt_sequence
      and not k.is_doubted and k.ordering_key <> all (${inFlight}::text[])
      and k.partition in ${ownedPartitions(id, instance, leases)}`.execute(db);
  return Number(numAffectedRows ?? 0);
}

/**
 * Takes a claim back that certainly published nothing: never sent, or refused.
 *
 * @param blockedReason sets the key aside as well: Pub/Sub will never take this message, so
 *   everything behind it waits for an operator while other keys go on
 */
export async function unclaim(
  db: Kysely<unknown>,
  { id }: Publication,
  instance: string,
  { orderingKey, lease, sequence }: Outcome,
  blockedReason: string | null,
): Promise<void> {
  await sql`
    /* unclaim */
    update relay.ordering_key k
    set in_doubt_sequence = k.published_sequence, blocked_reason = ${blockedReason}
    where k.publication_id = ${id} and k.ordering_key = ${orderingKey}
      and k.in_doubt_sequence = ${sequence} and not k.is_doubted
      and k.partition in ${ownedPartitions(id, instance, [lease])}`.execute(db);
}

function groupByKey(
  publication: Publication,
  rows: ClaimedRow[],
  leases: Map<number, Lease>,
): Batch[] {
  const batches: Batch[] = [];
  for (const row of rows) {
    const { ordering_key, partition, body } = row;
    const attributes = sentAttributes(publication, row);
    const message = { sequence: Number(row.sequence), body, attributes };
    const last = batches.at(-1);
    if (last?.orderingKey === ordering_key) last.messages.push(message);
    else {
      const lease = leases.get(partition);
      if (lease === undefined) throw new Error(`claimed in partition ${partition} without a lease`);
      batches.push({ orderingKey: ordering_key, messages: [message], lease });
    }
  }
  return batches;
}
