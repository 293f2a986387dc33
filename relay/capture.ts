import { type Kysely, type RawBuilder, sql } from "kysely";
import { hasLead } from "./fence.ts";
import { blockNumberOf, isDue } from "./is-due.ts";
import type { Lease } from "./lease-keeper.ts";
import type { Publication } from "./publication.ts";

/** What one look at the outbox found. */
export type Captured = {
  /** Rows looked at. As many as the limit: there are more. */
  scanned: number;
  /** Rows that were new and are in the journal now. */
  captured: number;
};

/** An event id is in the journal with other bytes than the outbox holds now. */
export class JournalConflict extends Error {
  override name = "JournalConflict";
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

/** Notified with every capture, for the instances that do not have the lead. */
export const CAPTURED_CHANNEL = "relay_captured";

/** A chain of the live deployment. */
export type Source = { deployment: string; chainId: string };

type Row = { scanned: number; captured: number; conflicts: string[] | null };

/**
 * Copies what is due from the outbox into the journal and numbers it per ordering key, without
 * gaps: one statement for a whole batch of a chain, so that there is nothing half-done.
 *
 * Where it looks. The outbox is always a prefix of the chain: the engine commits in chain order and
 * takes back from the end. So while the last row that was looked at (the tip) is still there, all
 * before it was seen, and the scan goes on behind it. When it is gone, the engine has rolled back:
 * the scan begins again behind the last final row, and what is in the journal already is skipped.
 * Another deployment has no cursor yet and is scanned from its beginning, with the same skipping.
 *
 * Whoever has lost the lead finds nothing to capture. Should two leads overlap all the same, the
 * journal's unique event ids let only one of them through.
 *
 * Locks: rows of `ordering_key`, in the order of the key.
 *
 * @param limit rows to look at, at the most
 * @throws JournalConflict, having written nothing
 */
export async function capture(
  db: Kysely<unknown>,
  publication: Publication,
  source: Source,
  authority: { instance: string; lead: Lease },
  limit: number,
): Promise<Captured> {
  return await db.transaction().execute(async (tx) => {
    const { rows } = await statement(publication, source, authority, limit).execute(tx);
    const [row] = rows;
    if (row === undefined) throw new Error("capture returned no row");
    if (row.conflicts) throw new JournalConflict(publication.topic, row.conflicts);
    if (Number(row.captured) > 0) await sql`select pg_notify(${CAPTURED_CHANNEL}, '')`.execute(tx);
    return { scanned: Number(row.scanned), captured: Number(row.captured) };
  });
}

function statement(
  publication: Publication,
  { deployment, chainId }: Source,
  { instance, lead }: { instance: string; lead: Lease },
  limit: number,
): RawBuilder<Row> {
  const { id, topic, finality } = publication;
  return sql<Row>`
    /* capture */
    with state as (
      select c.finalized_checkpoint as finalized,
             ${blockNumberOf(sql`c.latest_checkpoint`)} as head,
             case when tip.event_id is null then coalesce(k.settled_position, '')
                  else k.tip_position end as scan_from
      from escrow._ponder_checkpoint c
      left join relay.capture_cursor k
        on k.publication_id = ${id} and k.deployment = ${deployment} and k.chain_id = c.chain_id
      left join escrow.outbox tip
        on tip.chain_id = c.chain_id and tip.position = k.tip_position
           and tip.event_id = k.tip_event_id
      where c.chain_id = ${chainId}
    ),
    scanned as materialized (
      select o.position, o.event_id, o.block_number, o.block_hash, o.body, o.attributes::jsonb,
             ${orderingKey(publication)} as ordering_key
      from escrow.outbox o
      where o.chain_id = ${chainId}
        and o.position > (select scan_from from state)
        and ${hasLead(instance, lead)}
        and ${isDue(finality, sql`(select finalized from state)`, sql`(select head from state)`)}
      order by o.position
      limit ${limit}
    ),
    due as (
      select s.*,
             row_number() over (partition by s.ordering_key order by s.position) as nth,
             count(*) over (partition by s.ordering_key) as of_key
      from scanned s
      where not exists (
        select from relay.message m where m.publication_id = ${id} and m.event_id = s.event_id)
    ),
    conflict as (
      select s.event_id
      from scanned s
      join relay.message m
        on m.publication_id = ${id} and m.event_id = s.event_id and m.kind = 'event'
      where m.body <> s.body or not m.attributes @> s.attributes or m.ordering_key <> s.ordering_key
      limit 10
    ),
    numbered as (
      insert into relay.ordering_key as k (publication_id, ordering_key, partition, last_sequence)
      select ${id}, d.ordering_key, ${partition(publication.id)}, max(d.of_key)
      from due d group by d.ordering_key order by d.ordering_key
      on conflict (publication_id, ordering_key)
        do update set last_sequence = k.last_sequence + excluded.last_sequence
      returning k.ordering_key, k.last_sequence
    ),
    journaled as (
      insert into relay.message
        (publication_id, ordering_key, sequence, event_id, chain_id, block_number, block_hash,
         position, body, attributes)
      select ${id}, d.ordering_key, n.last_sequence - d.of_key + d.nth, d.event_id, ${chainId},
             d.block_number, d.block_hash, d.position, d.body,
             d.attributes || jsonb_build_object(
               'sequence', (n.last_sequence - d.of_key + d.nth)::text,
               'publication', ${topic}::text,
               'finality', ${finality === "finalized" ? "final" : "provisional"}::text)
      from due d join numbered n using (ordering_key)
      returning 1
    ),
    moved as (
      insert into relay.capture_cursor as k
        (publication_id, deployment, chain_id, tip_position, tip_event_id, settled_position)
      select ${id}, ${deployment}, ${chainId}, s.position, s.event_id,
             coalesce((select max(o.position) from escrow.outbox o
                       where o.chain_id = ${chainId}
                         and o.position <= least(s.position, (select finalized from state))), '')
      from scanned s order by s.position desc limit 1
      on conflict (publication_id, deployment, chain_id) do update set
        tip_position = excluded.tip_position,
        tip_event_id = excluded.tip_event_id,
        settled_position = greatest(k.settled_position, excluded.settled_position)
    )
    select (select count(*) from scanned) as scanned,
           (select count(*) from journaled) as captured,
           (select array_agg(event_id) from conflict) as conflicts`;
}

/** The key that messages of an outbox row `o` are ordered by. md5 is stable across versions. */
function orderingKey({ keyCount }: Publication): RawBuilder<string> {
  if (keyCount === undefined) return sql`o.ordering_key`;
  return sql`'h' || (${hash(sql`o.ordering_key`)} % ${keyCount})`;
}

function partition(publicationId: number): RawBuilder<number> {
  return sql`(${hash(sql`d.ordering_key`)} %
    (select partitions from relay.publication where id = ${publicationId}))::smallint`;
}

function hash(key: RawBuilder<unknown>): RawBuilder<number> {
  return sql`('x' || substr(md5(${key}), 1, 8))::bit(32)::bigint`;
}
