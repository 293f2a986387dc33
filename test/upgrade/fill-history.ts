import type pg from "pg";

const PER_KEY = 100;
const PER_STATEMENT = 100_000;
/** What an event of an escrow takes. */
const BODY_BYTES = 700;

/**
 * Writes messages into the journal as a relay of before left them: captured and published, the keys
 * in turn, with attributes and bodies of the usual length.
 */
export async function fillHistory(pool: pg.Pool, messages: number): Promise<void> {
  for (let from = 1; from <= messages; from += PER_STATEMENT)
    await pool.query(
      `insert into relay.message (publication_id, ordering_key, sequence, event_id, chain_id,
         position, body, source_attributes)
       select p.id, format('1:0x%s', lpad((n % k.keys)::text, 40, '0')), 1 + n / k.keys,
              '1-0x' || md5(n::text) || md5('b' || n) || '-' || n, 0, lpad('0', 19, '0'),
              rpad('{}', ${BODY_BYTES}), jsonb_build_object('event_type', 'Approved', 'chain_id', '1')
       from relay.publication p, (select greatest(1, $3::int / ${PER_KEY}) as keys) k,
            generate_series($1::int - 1, least($2::int, $3::int) - 1) as n
       order by n`,
      [from, from + PER_STATEMENT - 1, messages],
    );
  await pool.query(
    `insert into relay.ordering_key (publication_id, ordering_key, partition, last_sequence,
       published_sequence, in_doubt_sequence)
     select publication_id, ordering_key, 0, max(sequence), max(sequence), max(sequence)
     from relay.message where ordering_key like '1:0x%' group by 1, 2`,
  );
  await pool.query("analyze relay.message");
}
