import { type Kysely, sql } from "kysely";
import type { Publication } from "../journal/publication.ts";
import { isStanding } from "../reorg/reconcile.ts";

/** Digits of a position that name timestamp, chain and block (ponder 0.17, checkpoint.ts). */
const UP_TO_BLOCK = 42;
const REST = 33;

/**
 * Completes the positions of messages that were read back from the topic, as far as the outbox
 * shows their rows by now: from then on they count as confirmed. The bytes stay what they are.
 *
 * Locks: the rows that it completes. The caller has read the outbox in this session before.
 *
 * @returns how many it completed
 */
export async function findPositions(db: Kysely<unknown>, { id }: Publication): Promise<number> {
  const { numAffectedRows } = await sql`
    update relay.message m set position = o.position, has_position = true
    from escrow.outbox o
    where m.publication_id = ${id} and not m.has_position and ${isStanding()}
      and o.chain_id = m.chain_id and o.event_id = m.event_id
      and o.position between left(m.position, ${UP_TO_BLOCK}) || repeat('0', ${REST})
                         and left(m.position, ${UP_TO_BLOCK}) || repeat('9', ${REST})`.execute(db);
  return Number(numAffectedRows ?? 0);
}
