import { type Kysely, sql } from "kysely";
import type { Publication } from "../journal/publication.ts";
import { isStanding } from "../reorg/reconcile.ts";
import type { OutboxSource } from "../source/outbox-source.ts";

/**
 * Completes the positions of messages that were read back from the topic, as far as the outbox
 * shows their rows by now: from then on they count as confirmed. The bytes stay what they are.
 *
 * Locks: the rows that it completes. The caller has read the outbox in this session before.
 *
 * @returns how many it completed
 */
export async function findPositions(
  db: Kysely<unknown>,
  source: OutboxSource,
  { id }: Publication,
): Promise<number> {
  const { numAffectedRows } = await sql`
    update relay.message m set position = o.position, has_position = true
    from ${source.rows} o
    where m.publication_id = ${id} and not m.has_position and ${isStanding()}
      and o.line = m.chain_id and o.event_id = m.event_id
      and ${source.mayStandAt(sql`m.position`)}`.execute(db);
  return Number(numAffectedRows ?? 0);
}
