import type pg from "pg";
import { TOPICS } from "./settings.ts";

/**
 * What is wrong with the journal after a run, in words: it must hold every event once per
 * publication and have nothing left to send or in doubt. Its feed must have all of it, without a gap, each key in
 * sequence.
 */
export async function judgeJournal(pool: pg.Pool): Promise<string[]> {
  const { rows } = await pool.query<Record<string, string>>(
    `select p.topic,
       (select count(*) from escrow.outbox o where not exists (
          select from relay.message m
          where m.publication_id = p.id and m.event_id = o.event_id)) as missing,
       (select count(*) from relay.message m where m.publication_id = p.id
          and not exists (select from escrow.outbox o where o.event_id = m.event_id)) as invented,
       (select coalesce(sum(last_sequence - published_sequence), 0) from relay.ordering_key k
          where k.publication_id = p.id) as backlog,
       (select count(*) from relay.ordering_key k where k.publication_id = p.id
          and published_sequence < in_doubt_sequence) as in_doubt,
       (select count(*) from relay.ordering_key k where k.publication_id = p.id
          and blocked_reason is not null) as blocked,
       (select count(*) from relay.message m where m.publication_id = p.id
          and not exists (select from relay.feed f where f.publication_id = p.id
            and f.ordering_key = m.ordering_key and f.sequence = m.sequence)) as without_offset,
       (select coalesce(max(f.feed_offset), 0) - count(*) from relay.feed f
          where f.publication_id = p.id) as offset_gaps,
       (select count(*) from (
          select f.sequence, row_number() over (
            partition by f.ordering_key order by f.feed_offset) as nth
          from relay.feed f where f.publication_id = p.id) o
        where o.sequence <> o.nth) as offsets_out_of_sequence,
       (p.halted_reason is not null)::int as halted
     from relay.publication p where p.topic = any ($1)`,
    [TOPICS],
  );
  if (rows.length !== TOPICS.length) return ["the publications are not registered"];
  return rows.flatMap(({ topic, ...counts }) =>
    Object.entries(counts).flatMap(([what, count]) =>
      Number(count) === 0 ? [] : [`${topic}: ${what} ${count}`],
    ),
  );
}
