import { isDeepStrictEqual } from "node:util";
import type { Attributes } from "@escrow-stream/messages";
import { type Kysely, type RawBuilder, sql, type Transaction } from "kysely";
import { partitionOf } from "../leases/partition-of.ts";
import type { Publication } from "./publication.ts";
import { type AttributesRow, sentAttributes } from "./sent-attributes.ts";
import { TopicContradiction, type TopicMessage } from "./topic-message.ts";

/** The leader went to somebody else: nothing was written, and nothing may be acknowledged. */
export class AuthorityLost extends Error {
  override name = "AuthorityLost";
}

type KeyRow = { ordering_key: string; last_sequence: string; in_doubt_sequence: string };
type KnownRow = AttributesRow & {
  ordering_key: string;
  is_same_body: boolean;
  /** The topic's. */
  attributes: Attributes;
};

const UNIQUE_VIOLATION = "23505";

/**
 * Takes messages that the topic holds into a journal that is older than the topic: with their
 * sequence and bytes, as published. What the journal has is only marked as published. Doing it
 * twice is harmless. Capture then looks at everything that is not final again.
 *
 * Locks: rows of `ordering_key`, in the order of the key; then the capture cursors; then the
 * counter of the feed.
 *
 * @param messages in the order of each key
 * @param authority SQL for "the caller may do this", judged in the same transaction
 * @returns how many messages the journal did not have, or did not know to be published
 * @throws TopicContradiction, having written nothing, when the journal holds other bytes, or a
 *   sequence is missing in between; AuthorityLost
 */
export async function adopt(
  db: Kysely<unknown>,
  publication: Publication,
  messages: TopicMessage[],
  authority: RawBuilder<boolean>,
): Promise<number> {
  if (messages.length === 0) return 0;
  return await db.transaction().execute(async (tx) => {
    const keys = await lockKeys(tx, publication, messages, authority);
    const { missing, unpublished } = sortOut(publication, messages, keys);
    await refuseOthers(tx, publication, unpublished);
    if (missing.length > 0) await lookAgain(tx, publication);
    await insert(tx, publication, missing);
    await markPublished(tx, publication, [...unpublished, ...missing]);
    return unpublished.length + missing.length;
  });
}

async function lockKeys(
  tx: Transaction<unknown>,
  { id }: Publication,
  messages: TopicMessage[],
  authority: RawBuilder<boolean>,
): Promise<Map<string, { last: number; inDoubt: number }>> {
  const names = [...new Set(messages.map(({ orderingKey }) => orderingKey))];
  await sql`
    /* adopt */
    insert into relay.ordering_key (publication_id, ordering_key, partition, last_sequence)
    select ${id}, r.ordering_key, ${partitionOf(id, sql`r.ordering_key`)}, 0
    from unnest(${names}::text[]) as r (ordering_key) where ${authority}
    order by r.ordering_key
    on conflict do nothing`.execute(tx);
  const { rows } = await sql<KeyRow>`
    select ordering_key, last_sequence, in_doubt_sequence from relay.ordering_key
    where publication_id = ${id} and ordering_key = any (${names}::text[]) and ${authority}
    order by ordering_key for update`.execute(tx);
  if (rows.length < names.length) throw new AuthorityLost("the leadership was lost while adopting");
  return new Map(
    rows.map((row) => [
      row.ordering_key,
      { last: Number(row.last_sequence), inDoubt: Number(row.in_doubt_sequence) },
    ]),
  );
}

/** What the journal lacks, and what it has without knowing that it was published. */
function sortOut(
  { topic }: Publication,
  messages: TopicMessage[],
  keys: Map<string, { last: number; inDoubt: number }>,
): { missing: TopicMessage[]; unpublished: TopicMessage[] } {
  const missing: TopicMessage[] = [];
  const unpublished: TopicMessage[] = [];
  const ends = new Map([...keys].map(([key, { last }]) => [key, last]));
  for (const message of messages) {
    const { orderingKey, sequence } = message;
    const known = keys.get(orderingKey);
    const end = ends.get(orderingKey) ?? 0;
    if (known === undefined || sequence <= known.inDoubt) continue;
    if (sequence <= known.last) unpublished.push(message);
    else if (sequence === end + 1) {
      missing.push(message);
      ends.set(orderingKey, sequence);
    } else if (sequence > end)
      throw new TopicContradiction(
        `the topic ${topic} shows sequence ${sequence} of key ${orderingKey}, and sequence ${end + 1} is neither in the journal nor was it read back`,
      );
  }
  return { missing, unpublished };
}

/** What the journal captured and the topic holds has to be the same. */
async function refuseOthers(
  tx: Transaction<unknown>,
  publication: Publication,
  messages: TopicMessage[],
): Promise<void> {
  if (messages.length === 0) return;
  const { id, topic } = publication;
  const { rows } = await sql<KnownRow>`
    select r.ordering_key, r.sequence, m.kind, m.event_id, m.incarnation,
           m.body = r.body as is_same_body, m.source_attributes, r.attributes
    from unnest(${messages.map((each) => each.orderingKey)}::text[],
                ${messages.map((each) => each.sequence)}::bigint[],
                ${messages.map((each) => each.body)}::text[],
                ${messages.map((each) => JSON.stringify(each.attributes))}::jsonb[])
           as r (ordering_key, sequence, body, attributes)
    join relay.message m
      on m.publication_id = ${id} and m.ordering_key = r.ordering_key and m.sequence = r.sequence`.execute(
    tx,
  );
  const other = rows.find(
    (row) =>
      !row.is_same_body || !isDeepStrictEqual(sentAttributes(publication, row), row.attributes),
  );
  if (other !== undefined)
    throw new TopicContradiction(
      `the topic ${topic} holds another message than the journal as sequence ${other.sequence} of key ${other.ordering_key}`,
    );
}

async function insert(
  tx: Transaction<unknown>,
  { id, topic }: Publication,
  missing: TopicMessage[],
): Promise<void> {
  if (missing.length === 0) return;
  const column = <T>(of: (message: TopicMessage) => T): T[] => missing.map(of);
  try {
    await sql`
      insert into relay.message
        (publication_id, ordering_key, sequence, kind, event_id, incarnation, chain_id,
         block_number, block_hash, position, has_position, body, source_attributes,
         captured_at)
      select ${id}, r.ordering_key, r.sequence, r.kind, r.event_id, r.incarnation, r.line,
             r.height, r.hash, r.position, r.kind = 'retraction', r.body, r.attributes,
             to_timestamp(r.published_at)
      from unnest(${column((each) => each.orderingKey)}::text[],
                  ${column((each) => each.sequence)}::bigint[],
                  ${column((each) => each.kind)}::text[],
                  ${column((each) => each.eventId)}::text[],
                  ${column((each) => each.incarnation)}::integer[],
                  ${column((each) => each.line)}::bigint[],
                  ${column((each) => each.height)}::bigint[],
                  ${column((each) => each.hash)}::text[],
                  ${column((each) => each.position)}::text[],
                  ${column((each) => each.body)}::text[],
                  ${column((each) => JSON.stringify(each.attributes))}::jsonb[],
                  ${column((each) => each.publishedAtMs / 1000)}::float8[])
             as r (ordering_key, sequence, kind, event_id, incarnation, line, height, hash,
                   position, body, attributes, published_at)`.execute(tx);
  } catch (error) {
    if ((error as { code?: string }).code !== UNIQUE_VIOLATION) throw error;
    throw new TopicContradiction(
      `the topic ${topic} holds an event that the journal has under another sequence: ${(error as { detail?: string }).detail}`,
      { cause: error },
    );
  }
}

/** The keys are locked. Whoever waits for an answer about less than this need not any more. */
async function markPublished(
  tx: Transaction<unknown>,
  { id }: Publication,
  messages: TopicMessage[],
): Promise<void> {
  const newest = new Map<string, number>();
  for (const { orderingKey, sequence } of messages)
    newest.set(orderingKey, Math.max(sequence, newest.get(orderingKey) ?? 0));
  await sql`
    update relay.ordering_key k
    set last_sequence = greatest(k.last_sequence, r.sequence),
        in_doubt_sequence = r.sequence, published_sequence = r.sequence, is_doubted = false
    from unnest(${[...newest.keys()]}::text[], ${[...newest.values()]}::bigint[])
           as r (ordering_key, sequence)
    where k.publication_id = ${id} and k.ordering_key = r.ordering_key`.execute(tx);
}

/**
 * Has capture begin again behind the last final row: what the topic holds and the outbox does not
 * show is unconfirmed, and its key waits.
 */
async function lookAgain(tx: Transaction<unknown>, { id }: Publication): Promise<void> {
  await sql`
    update relay.capture_cursor set tip_event_id = '' where publication_id = ${id}`.execute(tx);
}
