import { retractionOf } from "@escrow-stream/messages";
import { type Kysely, type RawBuilder, sql } from "kysely";
import { isOpen } from "../journal/journal-state.ts";
import type { Publication } from "../journal/publication.ts";
import { isLeader } from "../leases/fence.ts";
import type { Lease } from "../leases/lease-keeper.ts";
import type { OutboxSource } from "../source/outbox-source.ts";

/** An event of the journal that the outbox no longer has. Alone that proves nothing. */
export type UnconfirmedEvent = {
  eventId: string;
  /** Which announcement of the event, when it came back after an earlier retraction. */
  incarnation: number;
  body: string;
  sourceAttributes: Record<string, string>;
  line: number;
  height: number;
  hash: string;
  position: string;
};

type Row = {
  event_id: string;
  incarnation: number;
  body: string;
  source_attributes: Record<string, string>;
  chain_id: string;
  block_number: string | null;
  block_hash: string | null;
  position: string;
};

/** SQL for "the message `m` was not retracted". */
export function isStanding(): RawBuilder<boolean> {
  return sql`not exists (
    select from relay.message r
    where r.publication_id = m.publication_id and r.event_id = m.event_id
      and r.kind = 'retraction' and r.incarnation = m.incarnation)`;
}

/** SQL for "the message `m` is of an event that the outbox no longer has", where that may matter. */
export function isUnconfirmed(source: OutboxSource, publicationId: number): RawBuilder<boolean> {
  if (source.evidence === null) return sql`false`;
  return sql`m.publication_id = ${publicationId} and m.kind = 'event' and ${isStanding()}
    and not exists (
      select from ${source.rows} o
      where o.line = m.chain_id and o.position = m.position and o.event_id = m.event_id)`;
}

/** SQL for "the message `m` is of an event that is proven to have never been". */
function isPhantom({ phantoms }: OutboxSource): RawBuilder<boolean> {
  return phantoms === null
    ? sql`false`
    : sql`(m.chain_id, m.event_id) in (select f.line, f.event_id from ${phantoms} f)`;
}

/**
 * SQL for the position up to which a publication's messages of a line need no look: they were
 * final when captured, and the last of them still is in the outbox. When even that one is gone, all
 * of them need one.
 */
export function lastFinalPosition(
  source: OutboxSource,
  publicationId: number,
  line: RawBuilder<unknown>,
): RawBuilder<string> {
  return sql`coalesce(
    (select max(s.settled_position) from relay.capture_cursor s
     join ${source.rows} o on o.line = s.chain_id and o.position = s.settled_position
     where s.publication_id = ${publicationId} and s.chain_id = ${line}), '')`;
}

/** Lines of which a publication may have unconfirmed events: those that are there, and that were. */
export async function readLinesToConfirm(
  db: Kysely<unknown>,
  source: OutboxSource,
  { id }: Publication,
): Promise<string[]> {
  const { rows } = await sql<{ line: string }>`
    select line from ${source.progress} p
    union select chain_id from relay.capture_cursor where publication_id = ${id}`.execute(db);
  return rows.map(({ line }) => line);
}

/**
 * The unconfirmed events of a publication in a line, the newest first: in that order they are
 * retracted, so that a subscriber undoes the last thing first.
 */
export async function readUnconfirmed(
  db: Kysely<unknown>,
  source: OutboxSource,
  { id }: Publication,
  line: string,
  limit: number,
): Promise<UnconfirmedEvent[]> {
  const { rows } = await sql<Row>`
    select ${COLUMNS}
    from relay.message m
    where ${isUnconfirmed(source, id)} and m.chain_id = ${line}
      and m.position > ${lastFinalPosition(source, id, sql`m.chain_id`)}
    order by m.position desc
    limit ${limit}`.execute(db);
  return rows.map(toEvent);
}

/**
 * Announced events that are proven to have never been, and are gone from the outbox; the newest
 * first. Mostly they were final, so nobody else looks at them any more.
 */
export async function readPhantoms(
  db: Kysely<unknown>,
  source: OutboxSource,
  { id }: Publication,
  limit: number,
): Promise<UnconfirmedEvent[]> {
  if (source.phantoms === null) return [];
  const { rows } = await sql<Row>`
    /* phantoms */
    select distinct on (m.position, m.event_id) ${COLUMNS}
    from ${source.phantoms} f join relay.message m on m.event_id = f.event_id
    where ${isUnconfirmed(source, id)} and m.chain_id = f.line
    order by m.position desc, m.event_id
    limit ${limit}`.execute(db);
  return rows.map(toEvent);
}

const COLUMNS = sql`m.event_id, m.incarnation, m.body, m.source_attributes, m.chain_id,
  m.block_number, m.block_hash, m.position`;

export type RetractOptions = {
  source: OutboxSource;
  publication: Publication;
  instance: string;
  leader: Lease;
  /** The newest first. */
  events: UnconfirmedEvent[];
};

/**
 * Appends a retraction to the journal for each of these events that still is unconfirmed. Each
 * announcement is retracted once: the journal's unique ids see to it.
 *
 * What stands on a key is of one branch of the chain, and is retracted from its end: an event
 * waits for those of its line that were announced after it on its key. There may be no evidence
 * of those yet, while the other branch is the shorter one; should the old branch return then, they
 * would stand before what is announced again. What is older on the chain and was only announced later
 * (history of another factory, a hole that was filled) is below the branch. A phantom waits for nobody: it was on no branch.
 *
 * Locks: rows of `ordering_key`, in the order of the key; the capture cursors of the lines; then the
 * counter of the feed.
 *
 * @returns how many were written
 */
export async function retract(
  db: Kysely<unknown>,
  { source, publication: { id }, instance, leader, events }: RetractOptions,
): Promise<number> {
  const retractions = events.map((event) => retractionOf(event));
  const { rows } = await sql<{ written: string }>`
    /* retract */
    with wanted as (
      select * from unnest(
        ${events.map(({ eventId }) => eventId)}::text[],
        ${events.map(({ incarnation }) => incarnation)}::integer[],
        ${retractions.map(({ body }) => body)}::text[],
        ${retractions.map(({ sourceAttributes }) => JSON.stringify(sourceAttributes))}::jsonb[]
      ) with ordinality as w (event_id, incarnation, body, source_attributes, nth_of_all)
    ),
    proven as (
      select m.ordering_key, m.sequence, m.event_id, m.incarnation, m.chain_id, m.block_number,
             m.block_hash, m.position, w.body, w.source_attributes, w.nth_of_all,
             ${isPhantom(source)} as is_phantom
      from wanted w
      join relay.message m
        on m.publication_id = ${id} and m.event_id = w.event_id and m.kind = 'event'
           and m.incarnation = w.incarnation
      where ${isUnconfirmed(source, id)} and ${isLeader(instance, leader)} and ${isOpen(id)}
    ),
    due as (
      select p.*,
             row_number() over (partition by p.ordering_key order by p.nth_of_all) as nth,
             count(*) over (partition by p.ordering_key) as of_key
      from proven p
      where p.is_phantom or not exists (
        select from relay.message m
        where m.publication_id = ${id} and m.ordering_key = p.ordering_key
          and m.sequence > p.sequence and m.chain_id = p.chain_id and m.position > p.position
          and m.kind = 'event' and ${isStanding()}
          and (m.event_id, m.incarnation) not in (select event_id, incarnation from proven))
    ),
    -- An update that joins locks in any order: without this it could deadlock with a capture.
    locked as materialized (
      select k.ordering_key from relay.ordering_key k
      where k.publication_id = ${id} and k.ordering_key in (select ordering_key from due)
      order by k.ordering_key for update
    ),
    numbered as (
      update relay.ordering_key k set last_sequence = k.last_sequence + d.of_key
      from (select ordering_key, max(of_key) as of_key from due
            where ordering_key in (select ordering_key from locked) group by ordering_key) d
      where k.publication_id = ${id} and k.ordering_key = d.ordering_key
      returning k.ordering_key, k.last_sequence
    ),
    written as (
      insert into relay.message
        (publication_id, ordering_key, sequence, kind, event_id, incarnation, chain_id,
         block_number, block_hash, position, body, source_attributes)
      select ${id}, d.ordering_key, n.last_sequence - d.of_key + d.nth, 'retraction', d.event_id,
             d.incarnation, d.chain_id, d.block_number, d.block_hash, d.position, d.body,
             d.source_attributes
      from due d join numbered n using (ordering_key)
      -- The order of the feed.
      order by d.nth_of_all
      returning 1
    ),
    -- What was retracted may return to the outbox before anybody looks: as if it had never been
    -- gone. So capture has to look again at what it has seen.
    forgotten as (
      update relay.capture_cursor k set tip_event_id = ''
      from (select chain_id, min(position) as position from due group by chain_id) d
      where k.publication_id = ${id} and k.chain_id = d.chain_id and k.tip_position >= d.position
    )
    select count(*) as written from written`.execute(db);
  return Number(rows[0]?.written ?? 0);
}

function toEvent(row: Row): UnconfirmedEvent {
  return {
    eventId: row.event_id,
    incarnation: row.incarnation,
    body: row.body,
    sourceAttributes: row.source_attributes,
    line: Number(row.chain_id),
    height: Number(row.block_number),
    hash: row.block_hash ?? "",
    position: row.position,
  };
}
