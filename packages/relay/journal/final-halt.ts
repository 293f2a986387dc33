import { type Kysely, type RawBuilder, sql } from "kysely";
import { isLeader } from "../leases/fence.ts";
import type { Lease } from "../leases/lease-keeper.ts";
import type { OutboxSource } from "../source/outbox-source.ts";
import type { Publication } from "./publication.ts";

/** A block that counts as final on a publication, by an event in it. */
export type FinalBlock = {
  line: number;
  height: number;
  hash: string;
  eventId: string;
  position: string;
  /** Whether the event is in the publication's journal; otherwise it is to come next. */
  isCaptured: boolean;
};

const KIND = "final block replaced";

/** Why a publication is halted whose final block was replaced. */
function reasonOf({ line, height, hash, eventId }: FinalBlock): string {
  return (
    `The chain replaced block ${height} (${hash}) of chain ${line} after it had counted as final, with event ${eventId} in it. ` +
    "Nothing more is published here, so that nothing contradicts what was; should the chain turn out to have that block, it goes on by itself. See docs/how-to/a-reorg-deeper-than-finality.md."
  );
}

/**
 * Halts a publication because the chain replaced a final block. Whether it counted as final is read
 * in the statement that halts: what the journal has was final, anything else has to be so now.
 *
 * @returns the reason; null when the publication is halted already, or the block is not final
 */
export async function haltForBlock(
  db: Kysely<unknown>,
  source: OutboxSource,
  publication: Publication,
  block: FinalBlock,
): Promise<string | null> {
  const reason = reasonOf(block);
  const { line, height, hash, eventId } = block;
  const haltedFor = JSON.stringify({ kind: KIND, reason, line, height, hash, eventId });
  const { numAffectedRows } = await sql`
    /* halt */
    update relay.publication set halted_reason = ${reason}, halted_for = ${haltedFor}::jsonb
    where id = ${publication.id} and halted_reason is null
      and ${countedAsFinal(source, publication, block)}`.execute(db);
  if (numAffectedRows !== 1n) return null;
  publication.haltedReason = reason;
  return reason;
}

function countedAsFinal(
  source: OutboxSource,
  { id }: Publication,
  { line, hash, eventId, position, isCaptured }: FinalBlock,
): RawBuilder<boolean> {
  if (isCaptured)
    return sql`exists (
      select from relay.message m
      where m.publication_id = ${id} and m.event_id = ${eventId} and m.kind = 'event'
        and m.block_hash = ${hash})`;
  return sql`exists (
    select from ${source.progress} c
    join ${source.rows} o
      on o.line = c.line and o.position = ${position} and o.event_id = ${eventId}
    where c.line = ${line} and o.hash = ${hash} and o.position <= least(c.final, c.cleared))`;
}

type Halt = { reason: string; line: number; height: number; hash: string };

/** The block that a publication is halted for; null when its halt is of another kind, or none. */
export async function readHaltedFor(
  db: Kysely<unknown>,
  { id }: Publication,
): Promise<Halt | null> {
  const { rows } = await sql<{ halted_for: Halt }>`
    select halted_for from relay.publication
    where id = ${id} and halted_for ->> 'kind' = ${KIND}
      and halted_for ->> 'reason' = halted_reason`.execute(db);
  return rows[0]?.halted_for ?? null;
}

/** Lets a publication go on that is halted for this reason. @returns whether it does */
export async function resumePublication(
  db: Kysely<unknown>,
  publication: Publication,
  { reason }: Halt,
  { instance, leader }: { instance: string; leader: Lease },
): Promise<boolean> {
  const { numAffectedRows } = await sql`
    /* resume */
    update relay.publication set halted_reason = null, halted_for = null
    where id = ${publication.id} and halted_reason = ${reason}
      and ${isLeader(instance, leader)}`.execute(db);
  if (numAffectedRows !== 1n) return false;
  publication.haltedReason = null;
  return true;
}
