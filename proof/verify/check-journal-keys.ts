import { sql } from "kysely";
import type { FrozenDatabase } from "../../db/frozen-database.ts";
import type { Publication } from "../../packages/relay/journal/publication.ts";
import type { Findings } from "./findings.ts";

/** Checks what the journal says of itself: the sequences of each key, their order, the receipts. */
export async function checkJournalKeys(
  database: FrozenDatabase,
  publication: Publication,
  findings: Findings,
): Promise<void> {
  await checkSequences(database, publication, findings);
  await checkOrder(database, publication, findings);
  await checkIncarnations(database, publication, findings);
}

type KeyRow = {
  ordering_key: string;
  messages: string;
  lowest: string | null;
  highest: string | null;
  last_sequence: string | null;
  in_doubt_sequence: string | null;
  receipt_sequence: string | null;
  first_gap: string | null;
};

async function checkSequences(
  database: FrozenDatabase,
  { id, topic }: Publication,
  findings: Findings,
): Promise<void> {
  const rows = await database.read(
    sql<KeyRow>`
      with numbered as (
        select ordering_key, count(*) as messages, min(sequence) as lowest, max(sequence) as highest
        from relay.message where publication_id = ${id} group by ordering_key
      ),
      wrong as (
        select ordering_key, coalesce(n.messages, 0) as messages, n.lowest, n.highest,
               k.last_sequence, k.in_doubt_sequence, k.receipt_sequence
        from numbered n
        full join (select * from relay.ordering_key where publication_id = ${id}) k
          using (ordering_key)
        where coalesce(n.messages, 0) is distinct from k.last_sequence
          or coalesce(n.highest, 0) is distinct from k.last_sequence
          or n.lowest <> 1 or k.receipt_sequence > k.in_doubt_sequence
      )
      select w.*, (
        select min(m.sequence) + 1 from relay.message m
        where m.publication_id = ${id} and m.ordering_key = w.ordering_key
          and m.sequence < w.highest and not exists (
            select from relay.message after
            where after.publication_id = ${id} and after.ordering_key = m.ordering_key
              and after.sequence = m.sequence + 1)) as first_gap
      from wrong w order by ordering_key`,
  );
  for (const row of rows) {
    const subject = `${topic} ${row.ordering_key}`;
    const last = Number(row.last_sequence);
    const gap = Number(row.lowest) > 1 ? 1 : Number(row.first_gap);
    if (row.last_sequence === null)
      findings.add("journal-sequence", subject, "has messages, and no row in relay.ordering_key");
    else if (gap > 0) findings.add("journal-sequence", subject, `sequence ${gap} is missing`);
    else if (Number(row.highest) !== last || Number(row.messages) !== last)
      findings.add(
        "journal-sequence",
        subject,
        `has ${row.messages} messages up to sequence ${row.highest ?? 0}, and the key says ${last}`,
      );
    if (Number(row.receipt_sequence) > Number(row.in_doubt_sequence))
      findings.add(
        "journal-receipt",
        subject,
        `sequence ${row.receipt_sequence} was read back from the topic, and nothing behind ${row.in_doubt_sequence} was ever sent: the journal may be older than the topic`,
      );
  }
}

/**
 * A lower position may have a higher sequence: another build may find an event that lies before
 * known ones, and after a reorg a shorter block may follow. But then it was captured later.
 */
async function checkOrder(
  database: FrozenDatabase,
  { id, topic }: Publication,
  findings: Findings,
): Promise<void> {
  const rows = await database.read(
    sql<{ ordering_key: string; sequence: string; event_id: string; before: string }>`
      select * from (
        select ordering_key, sequence, event_id, position, captured_at, chain_id,
               lag(event_id) over w as before, lag(position) over w as position_before,
               lag(chain_id) over w as chain_before, lag(captured_at) over w as captured_before
        from relay.message
        where publication_id = ${id} and kind = 'event'
        window w as (partition by ordering_key order by sequence)) m
      where chain_id = chain_before and position < position_before
        and captured_at <= captured_before
      order by ordering_key, sequence`,
  );
  for (const row of rows)
    findings.add(
      "journal-order",
      row.event_id,
      `${topic} ${row.ordering_key} #${row.sequence}: comes after ${row.before}, which happened later and was captured no earlier`,
    );
}

/** An event is published again only after its last publication was retracted. */
async function checkIncarnations(
  database: FrozenDatabase,
  { id, topic }: Publication,
  findings: Findings,
): Promise<void> {
  const rows = await database.read(
    sql<{ ordering_key: string; sequence: string; event_id: string; incarnation: number }>`
      select m.ordering_key, m.sequence, m.event_id, m.incarnation
      from relay.message m
      where m.publication_id = ${id} and m.kind = 'event' and m.incarnation <> 1
        and not exists (
          select from relay.message r
          where r.publication_id = ${id} and r.event_id = m.event_id and r.kind = 'retraction'
            and r.incarnation = m.incarnation - 1 and r.ordering_key = m.ordering_key
            and r.sequence < m.sequence)
      order by m.ordering_key, m.sequence`,
  );
  for (const row of rows)
    findings.add(
      "journal-incarnation",
      row.event_id,
      `${topic} ${row.ordering_key} #${row.sequence}: published for the ${row.incarnation}. time, and incarnation ${row.incarnation - 1} was not retracted before it`,
    );
}
