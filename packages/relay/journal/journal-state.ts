import { type Kysely, type RawBuilder, sql } from "kysely";
import { isLeader } from "../leases/fence.ts";
import type { Lease } from "../leases/lease-keeper.ts";
import type { Publication } from "./publication.ts";

/** What the journal says of itself, for one publication. */
export type JournalState = {
  /** Known to be as new as the topic: messages may be captured and published. */
  isKnown: boolean;
  /** The same database as when it was last known to be, started again since. */
  isSameDatabase: boolean;
  /** Nothing was ever captured, and it was never known: a new publication, or a lost journal. */
  isNew: boolean;
  isHalted: boolean;
  /** The barrier from which on the topic has to be read back; null before there is one. */
  watermark: string | null;
  /** When it was published, by Pub/Sub's clock in milliseconds since 1970, or just before. */
  watermarkAtMs: number;
};

type Row = {
  is_known: boolean | null;
  is_same_database: boolean | null;
  is_new: boolean;
  is_halted: boolean;
  receipts_mark: string | null;
  marked_at: string | null;
};

/**
 * SQL for "this publication goes on": no one halted it, and its journal is known to be as new as
 * its topic in the very database that executes this. After a failover to a standby that lacks
 * commits, the first statement there finds it closed.
 */
export function isOpen(publicationId: number): RawBuilder<boolean> {
  return sql`exists (
    select from relay.publication p
    where p.id = ${publicationId} and p.halted_reason is null
      and p.known_in = relay.database_identity())`;
}

export async function readJournalState(
  db: Kysely<unknown>,
  { id, topic }: Publication,
): Promise<JournalState> {
  const { rows } = await sql<Row>`
    /* known */
    select p.known_in = i.identity as is_known,
           split_part(p.known_in, '|', 1) = split_part(i.identity, '|', 1) as is_same_database,
           p.known_in is null and not exists (
             select from relay.ordering_key where publication_id = ${id}) as is_new,
           p.halted_reason is not null as is_halted,
           p.receipts_mark, extract(epoch from p.receipts_marked_at) * 1000 as marked_at
    from relay.publication p, relay.database_identity() as i (identity)
    where p.id = ${id}`.execute(db);
  const [row] = rows;
  if (row === undefined) throw new Error(`publication ${topic} is gone from the journal`);
  return {
    isKnown: row.is_known ?? false,
    isSameDatabase: row.is_same_database ?? false,
    isNew: row.is_new,
    isHalted: row.is_halted,
    watermark: row.receipts_mark,
    watermarkAtMs: Number(row.marked_at ?? 0),
  };
}

/** Says that the journal is as new as the topic, from now on. @returns whether it was the leader */
export async function openJournal(
  db: Kysely<unknown>,
  { id }: Publication,
  instance: string,
  leader: Lease,
): Promise<boolean> {
  const { numAffectedRows } = await sql`
    /* open */
    update relay.publication set known_in = relay.database_identity()
    where id = ${id} and ${isLeader(instance, leader)}`.execute(db);
  return numAffectedRows === 1n;
}

/** Says the same by an operator's word, and lets a halted publication go on. */
export async function declareKnown(db: Kysely<unknown>, { id }: Publication): Promise<void> {
  await sql`
    update relay.publication
    set known_in = relay.database_identity(), halted_reason = null,
        receipts_mark = null, receipts_marked_at = null
    where id = ${id}`.execute(db);
}

/** Says that the journal lacks what the topic holds: nothing goes on until it was read back. */
export async function closeJournal(db: Kysely<unknown>, { id }: Publication): Promise<void> {
  await sql`/* close */ update relay.publication set known_in = null where id = ${id}`.execute(db);
}

/** Moves the place from which on the topic would have to be read back. */
export async function recordWatermark(
  db: Kysely<unknown>,
  { id }: Publication,
  instance: string,
  leader: Lease,
  watermark: { barrier: string; atMs: number },
): Promise<void> {
  await sql`
    /* marked */
    update relay.publication
    set receipts_mark = ${watermark.barrier}, receipts_marked_at = to_timestamp(${watermark.atMs / 1000})
    where id = ${id} and ${isLeader(instance, leader)}`.execute(db);
}

/**
 * Forgets the watermark of a journal that is known: its receipts begin again. A journal that is not known
 * keeps it, to find that it is not there.
 */
export async function forgetWatermark(db: Kysely<unknown>, { id }: Publication): Promise<void> {
  await sql`
    update relay.publication set receipts_mark = null, receipts_marked_at = null
    where id = ${id} and known_in = relay.database_identity()`.execute(db);
}
