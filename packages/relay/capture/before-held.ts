import { type RawBuilder, sql } from "kysely";
import type { OutboxSource } from "../source/outbox-source.ts";

/**
 * SQL for the position that a final publication may go to in a line `c` whose history is not proven:
 * that of the row before the first one there that its journal lacks, '' where that is the first of
 * all. Null where no row is held.
 *
 * History passes as far as it was published before anybody proved it. What is there besides (of a
 * factory that is newly followed, of a publication that came later, of a hole that was filled) has to
 * be proven first, and holds all that follows: a key would get its first events last.
 *
 * @param publicationId a publication's number, or SQL for it
 * @param seenTo SQL for the position up to which the publication has all
 */
export function beforeHeld(
  source: OutboxSource,
  publicationId: number | RawBuilder<unknown>,
  seenTo: RawBuilder<unknown>,
): RawBuilder<string | null> {
  return sql`(
    select coalesce((
      select b.position from ${source.rows} b
      where b.line = c.line and b.position < held.position
      order by b.position desc limit 1), '')
    -- Looked for once, and not again for each row.
    from (select c.unproven offset 0) history
    cross join lateral (
      select o.position from ${source.rows} o
      where o.line = c.line and o.position > ${seenTo} and o.position <= history.unproven
        and not exists (
          select from relay.message m
          where m.publication_id = ${publicationId} and m.event_id = o.event_id
            and m.kind = 'event')
      order by o.position limit 1) held)`;
}
