import { type Kysely, sql } from "kysely";
import type { Publication } from "./publication.ts";

/** A message as the journal holds it. */
export type JournalMessage = {
  sequence: number;
  body: string;
  attributes: Record<string, string>;
};

/** What goes into one publish request: the next messages of one ordering key, in sequence. */
export type Batch = { orderingKey: string; messages: JournalMessage[] };

/** Bounds of one claim, so that memory does not grow with the backlog. */
export type ClaimLimits = { keys: number; messages: number };

/** Pub/Sub takes 1,000 messages and 10 MB a request; the rest is room for keys and framing. */
const MAX_MESSAGES_PER_REQUEST = 1_000;
const MAX_BYTES_PER_REQUEST = 8_000_000;

/**
 * Takes the next batches to publish and records them as in doubt, before they leave.
 *
 * Locks: rows of `ordering_key`, in the order of the key.
 *
 * @param after keys up to this one had their turn; "" begins again
 * @param busy keys with a request in flight: never two requests of one key at a time
 */
export async function claim(
  db: Kysely<unknown>,
  publication: Publication,
  after: string,
  busy: Iterable<string>,
  limits: ClaimLimits,
): Promise<Batch[]> {
  const { rows } = await sql<JournalMessage & { ordering_key: string }>`
    with ready as materialized (
      select k.ordering_key, k.published_sequence
      from relay.ordering_key k
      where k.publication_id = ${publication.id}
        and k.published_sequence < k.last_sequence
        and k.blocked_reason is null
        and k.ordering_key > ${after}
        and k.ordering_key <> all (${[...busy]}::text[])
      order by k.ordering_key
      limit ${limits.keys}
      for update
    ),
    batch as materialized (
      select r.ordering_key, m.sequence, m.body, m.attributes
      from ready r cross join lateral (
        select n.*, sum(octet_length(n.body) + octet_length(n.attributes::text))
                      over (order by n.sequence) as bytes
        from (select * from relay.message
              where publication_id = ${publication.id} and ordering_key = r.ordering_key
                and sequence > r.published_sequence
              order by sequence limit ${MAX_MESSAGES_PER_REQUEST}) n
      ) m
      where m.bytes <= ${MAX_BYTES_PER_REQUEST} or m.sequence = r.published_sequence + 1
      order by r.ordering_key, m.sequence
      limit ${limits.messages}
    ),
    in_doubt as (
      update relay.ordering_key k set in_doubt_sequence = b.upto
      from (select ordering_key, max(sequence) as upto from batch group by ordering_key) b
      where k.publication_id = ${publication.id} and k.ordering_key = b.ordering_key
    )
    select ordering_key, sequence, body, attributes from batch
    order by ordering_key, sequence`.execute(db);
  return groupByKey(rows);
}

/** Messages up to `sequence` of a key are known to be accepted by Pub/Sub. */
export type Accepted = { orderingKey: string; sequence: number };

/**
 * Records what Pub/Sub accepted. Doing it twice is harmless.
 *
 * Locks: rows of `ordering_key`, in the order of the key.
 */
export async function mark(
  db: Kysely<unknown>,
  publication: Publication,
  accepted: Accepted[],
): Promise<void> {
  const keys = accepted.map((each) => each.orderingKey);
  const sequences = accepted.map((each) => each.sequence);
  await sql`
    with accepted as (
      select * from unnest(${keys}::text[], ${sequences}::bigint[]) as a (ordering_key, sequence)
    ),
    locked as materialized (
      select k.ordering_key from relay.ordering_key k
      where k.publication_id = ${publication.id} and k.ordering_key = any (${keys}::text[])
      order by k.ordering_key
      for update
    )
    update relay.ordering_key k set published_sequence = a.sequence
    from accepted a join locked using (ordering_key)
    where k.publication_id = ${publication.id} and k.ordering_key = a.ordering_key
      and k.published_sequence < a.sequence`.execute(db);
}

/** Sets a key aside that Pub/Sub refuses for good; everything behind it waits, other keys go on. */
export async function blockKey(
  db: Kysely<unknown>,
  publication: Publication,
  orderingKey: string,
  reason: string,
): Promise<void> {
  await sql`
    update relay.ordering_key set blocked_reason = ${reason}
    where publication_id = ${publication.id} and ordering_key = ${orderingKey}`.execute(db);
}

function groupByKey(rows: (JournalMessage & { ordering_key: string })[]): Batch[] {
  const batches: Batch[] = [];
  for (const { ordering_key, sequence, body, attributes } of rows) {
    const message = { sequence: Number(sequence), body, attributes };
    const last = batches.at(-1);
    if (last?.orderingKey === ordering_key) last.messages.push(message);
    else batches.push({ orderingKey: ordering_key, messages: [message] });
  }
  return batches;
}
