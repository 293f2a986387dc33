import { type Kysely, sql, type Transaction } from "kysely";
import type { Publication } from "../journal/publication.ts";
import { isLeader } from "../leases/fence.ts";
import type { Lease } from "../leases/lease-keeper.ts";

/** How far the messages of before the feed have their offsets, 1 … `historyTo`. */
export type HistoryProgress = { filledTo: number; historyTo: number };

/** The journal holds fewer, or other, messages than its keys count: their offsets cannot be given. */
class HistoryUncounted extends Error {
  override name = "HistoryUncounted";
}

/** Whether a publication has messages of before the feed without an offset. */
export async function hasHistory(db: Kysely<unknown>, { id }: Publication): Promise<boolean> {
  const { rows } = await sql`
    select from relay.feed_history where publication_id = ${id}`.execute(db);
  return rows.length > 0;
}

type Locked = { history_to: string; filled_to: string };

/**
 * Gives the next messages of before the feed their offsets, in the order of capture, and within a
 * key always by sequence: what was captured out of turn (a clock that went back) takes its key's
 * place in the order, and the key's next sequence gets it.
 *
 * Looks at `limit` messages at the most, however many there are, from where the last piece stopped.
 * Locks: the publication's row of `feed_history`; not what captures lock.
 *
 * @returns how far it is now; null when all is done, or this instance is not the leader any more
 * @throws HistoryUncounted, having written nothing
 */
export async function numberHistory(
  db: Kysely<unknown>,
  publication: Publication,
  instance: string,
  leader: Lease,
  limit: number,
): Promise<HistoryProgress | null> {
  const { id } = publication;
  return await db.transaction().execute(async (tx) => {
    const { rows } = await sql<Locked>`
      /* history */
      select history_to, filled_to from relay.feed_history
      where publication_id = ${id} and ${isLeader(instance, leader)} for update`.execute(tx);
    const [history] = rows;
    if (history === undefined) return null;
    const historyTo = Number(history.history_to);
    const before = Number(history.filled_to);
    const { scanned, written } = await writePiece(tx, id, before, historyTo, limit);
    const filledTo = before + written;
    if (filledTo < historyTo) {
      if (scanned === limit) return { filledTo, historyTo };
      // Neither more to look at nor all given.
      if (written === 0)
        throw new HistoryUncounted(
          `Publication ${publication.topic}: the keys of its journal count ${historyTo} messages of before the feed, and there are ${filledTo}. ` +
            "Messages are missing from relay.message; the feed stays as far as it is. `npm run verify` says which.",
        );
      return { filledTo, historyTo };
    }
    await sql`delete from relay.feed_history where publication_id = ${id}`.execute(tx);
    return { filledTo, historyTo };
  });
}

async function writePiece(
  tx: Transaction<unknown>,
  id: number,
  filledTo: number,
  historyTo: number,
  limit: number,
): Promise<{ scanned: number; written: number }> {
  const { rows } = await sql<{ scanned: string; written: string }>`
    /* history piece */
    with scanned as materialized (
      select m.captured_at, m.ordering_key, m.sequence, m.nth,
             exists (
               select from relay.feed_entry e
               where e.publication_id = ${id} and e.ordering_key = m.ordering_key
                 and e.sequence = m.sequence) as has_offset
      from (
        select captured_at, ordering_key, sequence,
               row_number() over (order by captured_at, ordering_key, sequence) as nth
        from relay.message
        where publication_id = ${id}
          and (captured_at, ordering_key, sequence) >= (
            select h.captured_at, h.ordering_key, h.sequence
            from relay.feed_history h where h.publication_id = ${id})
        order by captured_at, ordering_key, sequence
        limit ${limit}
      ) m
    ),
    place as materialized (
      select *, row_number() over (order by nth) as turn,
             row_number() over (partition by ordering_key order by nth) as nth_of_key,
             count(*) over (partition by ordering_key) as of_key,
             min(sequence) over (partition by ordering_key) as lowest
      from (select * from scanned where not has_offset order by nth limit ${historyTo - filledTo}) s
    ),
    -- What has an offset of a key is always its first sequences: the last of them is one look away.
    reached as materialized (
      select k.ordering_key, coalesce((
        select e.sequence from relay.feed_entry e
        where e.publication_id = ${id} and e.ordering_key = k.ordering_key
          and e.sequence < k.lowest
        order by e.sequence desc limit 1), 0) as sequence
      from (select distinct ordering_key, lowest from place) k
    ),
    written as (
      insert into relay.feed_entry (publication_id, feed_offset, ordering_key, sequence)
      select ${id}, ${filledTo} + p.turn, p.ordering_key, r.sequence + p.nth_of_key
      from place p join reached r using (ordering_key)
      returning 1
    ),
    -- From here on the next piece looks: the first that did not get its offset, or the last seen.
    next as (
      select captured_at, ordering_key, sequence from (
        select 0 as which, p.nth, p.captured_at, p.ordering_key, p.sequence
        from place p join reached r using (ordering_key)
        where p.sequence > r.sequence + p.of_key
        union all
        select 1, -s.nth, s.captured_at, s.ordering_key, s.sequence from scanned s
      ) n
      order by which, nth limit 1
    ),
    moved as (
      update relay.feed_history h
      set filled_to = h.filled_to + (select count(*) from written),
          captured_at = n.captured_at, ordering_key = n.ordering_key, sequence = n.sequence
      from next n where h.publication_id = ${id}
    )
    select (select count(*) from scanned) as scanned, (select count(*) from written) as written`.execute(
    tx,
  );
  return { scanned: Number(rows[0]?.scanned), written: Number(rows[0]?.written) };
}
