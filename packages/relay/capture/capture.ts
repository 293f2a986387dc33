import { type Kysely, type RawBuilder, sql } from "kysely";
import { isOpen } from "../journal/journal-state.ts";
import type { Publication } from "../journal/publication.ts";
import { isLeader } from "../leases/fence.ts";
import type { Lease } from "../leases/lease-keeper.ts";
import { hashOf, partitionOf } from "../leases/partition-of.ts";
import { isUnconfirmed, lastFinalPosition } from "../reorg/reconcile.ts";
import type { Line, OutboxSource } from "../source/outbox-source.ts";
import { beforeHeld } from "./before-held.ts";
import { isDue } from "./is-due.ts";

/** What one look at the outbox found. */
export type Captured = {
  /** Rows that were due and new, and are in the journal now. As many as the limit: there are more. */
  captured: number;
  /** Events of the journal that the outbox no longer has: their keys wait. */
  unconfirmed: number;
};

/** What to capture, and who does. */
export type CaptureOptions = {
  source: OutboxSource;
  publication: Publication;
  line: Line;
  /** Up to this position what was published stands also where the outbox lacks it. */
  standsTo?: string;
  instance: string;
  leader: Lease;
  /** Rows to take, at the most. */
  limit: number;
};

/** An event id is in the journal with other bytes than the outbox holds now. */
export class JournalConflict extends Error {
  override name = "JournalConflict";
  readonly code = "ES-JOURNAL-CONFLICT";
  readonly eventIds: string[];

  constructor(topic: string, eventIds: string[]) {
    super(
      `Publication ${topic} is halted: the outbox holds other bytes than the journal for event ${eventIds.join(", ")}. ` +
        "An event that was captured must never change. Find out which build changed the encoding, " +
        "and bring the old one back; then clear relay.publication.halted_reason.",
    );
    this.eventIds = eventIds;
  }
}

/** Notified with every capture, for the instances that are not the leader. */
export const CAPTURED_CHANNEL = "relay_captured";

type Row = { captured: number; unconfirmed: number; conflicts: string[] | null };

/**
 * Copies what is due from the outbox into the journal and numbers it per ordering key, without
 * gaps: one statement for a whole batch of a line, so that there is nothing half-done.
 *
 * Where it looks. What is due of a line is always a prefix of it: rows come in order and are
 * withdrawn from the end (`outbox-source.ts`). So while the last row that was looked at (the tip) is
 * still there, all before it was seen, and the scan goes on behind it. When it is gone, rows were
 * reverted: the scan begins again behind the last final row, and what is in the journal already is
 * skipped. Another edition has no cursor yet and is scanned from its beginning, with the same
 * skipping; one that is live again is scanned as after a rollback, when another one has published
 * since.
 *
 * What the journal has and the outbox lacks after a rollback is unconfirmed: it may come back,
 * or be retracted on evidence (`reconcile.ts`). Until then its key gets nothing new, so that a new
 * block's version of a fact never comes before the retraction of the old one, and the tip stays
 * behind. An event that was retracted and comes back is a new incarnation with its own message id:
 * a retraction sends the tip back, as the row may be there again before anybody has missed it.
 *
 * Whoever is not the leader any more finds nothing to capture. Should two leaders overlap all the
 * same, the journal's unique event ids let only one of them through.
 *
 * Locks: the outbox, shared, before anything else; rows of `ordering_key`, in the order of the key;
 * the capture cursors of the line; then the counter of the feed.
 *
 * @throws JournalConflict, having written nothing
 */
export async function capture(db: Kysely<unknown>, options: CaptureOptions): Promise<Captured> {
  const { source, publication } = options;
  return await db.transaction().execute(async (tx) => {
    // On a reorg the engine locks the outbox and then its progress, both exclusively: in another
    // order the two of us would deadlock. And a backfill has no statistics yet: without these two
    // the planner sorts all that is left of the outbox, on disk, for every batch.
    await sql`
      select set_config('enable_bitmapscan', 'off', true), set_config('work_mem', '32MB', true)
      where not exists (select from ${source.rows} o limit 0)`.execute(tx);
    const { rows } = await statement(options).execute(tx);
    const [row] = rows;
    if (row === undefined) throw new Error("capture returned no row");
    if (row.conflicts) throw new JournalConflict(publication.topic, row.conflicts);
    if (Number(row.captured) > 0) await sql`select pg_notify(${CAPTURED_CHANNEL}, '')`.execute(tx);
    return { captured: Number(row.captured), unconfirmed: Number(row.unconfirmed) };
  });
}

function statement(options: CaptureOptions): RawBuilder<Row> {
  const { source, publication, instance, leader, limit, standsTo = "" } = options;
  const { line, edition, final, cleared } = options.line;
  const { id, finality } = publication;
  const isDueNow = isDue(finality, sql`(select due_to from state)`, sql`(select head from state)`);
  const clearedTo = finality === "finalized" ? sql`c.cleared, ${cleared}::text` : sql`null`;
  const seenTo = sql`case when tip.event_id is null then coalesce(k.settled_position, '')
                  else k.tip_position end`;
  return sql<Row>`
    /* capture */
    with state as (
      select least(c.final, ${final}::text) as final,
             least(c.final, ${final}::text, ${clearedTo},
                   ${finality === "finalized" ? beforeHeld(source, id, seenTo) : sql`null`}) as due_to,
             c.head,
             tip.event_id is null as is_rescan,
             k.tip_event_id as known_tip,
             ${seenTo} as scan_from,
             greatest(${lastFinalPosition(source, id, sql`c.line`)}, ${standsTo}::text)
               as final_from
      from ${source.progress} c
      left join relay.capture_cursor k
        on k.publication_id = ${id} and k.deployment = ${edition} and k.chain_id = c.line
      left join ${source.rows} tip
        on tip.line = c.line and tip.position = k.tip_position
           and tip.event_id = k.tip_event_id
      where c.line = ${line}
    ),
    unconfirmed as materialized (
      select m.ordering_key
      from relay.message m
      where (select is_rescan from state)
        and m.chain_id = ${line} and m.position > (select final_from from state)
        and ${isUnconfirmed(source, id)}
    ),
    scanned as materialized (
      select o.position, o.event_id, o.height, o.hash, o.body, o.attributes,
             ${orderingKey(publication)} as ordering_key, 1 + known.captured as incarnation
      from ${source.rows} o
      -- One look per row: as a join, the planner compares each row with the whole journal.
      cross join lateral (
        select count(*) filter (where m.kind = 'event') as captured,
               count(*) filter (where m.kind = 'retraction') as retracted
        from relay.message m where m.publication_id = ${id} and m.event_id = o.event_id
      ) known
      where o.line = ${line}
        and o.position > (select scan_from from state)
        and ${isDueNow}
        and ${isLeader(instance, leader)}
        and ${isOpen(id)}
        and known.captured = known.retracted
        and ${isFree(publication)}
      order by o.position
      limit ${limit}
    ),
    due as (
      select s.*,
             row_number() over (partition by s.ordering_key order by s.position) as nth,
             count(*) over (partition by s.ordering_key) as of_key
      from scanned s
    ),
    conflict as (
      select o.event_id
      from ${source.rows} o
      join relay.message m
        on m.publication_id = ${id} and m.event_id = o.event_id and m.kind = 'event'
      where (select is_rescan from state)
        and o.line = ${line} and o.position > (select scan_from from state)
        and (m.body <> o.body or m.ordering_key <> ${orderingKey(publication)}
             or not m.source_attributes @> (o.attributes - 'event_id' - 'ce-id'))
      limit 10
    ),
    numbered as (
      insert into relay.ordering_key as k (publication_id, ordering_key, partition, last_sequence)
      select ${id}, d.ordering_key, ${partitionOf(id, sql`d.ordering_key`)}, max(d.of_key)
      from due d group by d.ordering_key order by d.ordering_key
      on conflict (publication_id, ordering_key)
        do update set last_sequence = k.last_sequence + excluded.last_sequence
      returning k.ordering_key, k.last_sequence
    ),
    journaled as (
      insert into relay.message
        (publication_id, ordering_key, sequence, event_id, incarnation, chain_id, block_number,
         block_hash, position, body, source_attributes)
      select ${id}, d.ordering_key, n.last_sequence - d.of_key + d.nth, d.event_id, d.incarnation,
             ${line}, d.height, d.hash, d.position, d.body, d.attributes
      from due d join numbered n using (ordering_key)
      -- The order of the feed.
      order by d.position
      returning 1
    ),
    moved as (
      insert into relay.capture_cursor as k
        (publication_id, deployment, chain_id, tip_position, tip_event_id, settled_position)
      select ${id}, ${edition}, ${line}, s.position, s.event_id,
             coalesce((select max(o.position) from ${source.rows} o
                       where o.line = ${line}
                         and o.position <= least(s.position, (select final from state))), '')
      from (
        select o.position, o.event_id from ${source.rows} o
        where o.line = ${line}
          and o.position > (select scan_from from state)
          and ${isDueNow}
          and ((select count(*) from due) < ${limit}
               or o.position <= (select max(position) from due))
        order by o.position desc limit 1
      ) s
      where not exists (select from unconfirmed) and ${isLeader(instance, leader)}
        and ${isOpen(id)}
      on conflict (publication_id, deployment, chain_id) do update set
        tip_position = excluded.tip_position,
        tip_event_id = excluded.tip_event_id,
        settled_position = greatest(k.settled_position, excluded.settled_position)
      -- Unless a retraction has sent the cursor back meanwhile.
      where k.tip_event_id = (select known_tip from state)
    ),
    -- They know nothing of what this edition has published: their tips vouch for it no more.
    outdated as (
      update relay.capture_cursor k set tip_event_id = ''
      where k.publication_id = ${id} and k.chain_id = ${line} and k.deployment <> ${edition}
        and k.tip_event_id <> '' and exists (select from journaled)
    )
    select (select count(*) from journaled) as captured,
           (select count(*) from unconfirmed) as unconfirmed,
           (select array_agg(event_id) from conflict) as conflicts`;
}

/** Nothing new of an unconfirmed key; on a final publication nothing at all while one is. */
function isFree(publication: Publication): RawBuilder<boolean> {
  return publication.finality === "finalized"
    ? sql`not exists (select from unconfirmed)`
    : sql`${orderingKey(publication)} not in (select ordering_key from unconfirmed)`;
}

/** SQL for the key that messages of an outbox row `o` are ordered by. md5 is stable across versions. */
export function orderingKey({ keyCount }: Pick<Publication, "keyCount">): RawBuilder<string> {
  if (keyCount === undefined) return sql`o.ordering_key`;
  return sql`'h' || (${hashOf(sql`o.ordering_key`)} % ${keyCount})`;
}
