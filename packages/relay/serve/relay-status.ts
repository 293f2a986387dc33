import { type Kysely, sql } from "kysely";
import { beforeHeld } from "../capture/before-held.ts";
import { isDue } from "../capture/is-due.ts";
import type { PublicationConfig } from "../journal/publication.ts";
import type { LineFinality } from "../source/line-finality.ts";
import type { OutboxSource } from "../source/outbox-source.ts";

/** How far a publication is. Counts are of messages. */
export type PublicationStatus = {
  topic: string;
  finality: string;
  captured: number;
  published: number;
  backlog: number;
  /** Sent, without an answer yet. */
  inDoubt: number;
  blockedKeys: number;
  haltedReason: string | null;
  /** Offsets of its feed: the last that was given, and the last to read while history is numbered. */
  feed: { lastOffset: number; numberedTo: number };
  /** Of a final publication: how far each line of its outbox is, and what it waits for. */
  lines?: LineFinality[];
};

type Row = {
  topic: string;
  finality: string;
  captured: string;
  published: string;
  in_doubt: string;
  blocked: string;
  halted_reason: string | null;
  last_offset: string;
  numbered_to: string;
};

/** How far each of the given topics is, and what its final rows wait for. */
export async function readRelayStatus(
  db: Kysely<unknown>,
  source: OutboxSource,
  topics: string[],
): Promise<PublicationStatus[]> {
  const [publications, lines] = await Promise.all([
    readPublicationStatus(db, topics),
    source.readFinality(db).catch((error: unknown) => {
      if (source.isMissing(error)) return [];
      throw error;
    }),
  ]);
  return publications.map((each) =>
    each.finality === "finalized" && lines.length > 0 ? { ...each, lines } : each,
  );
}

/** Reads from the journal how far each of the given topics is. */
async function readPublicationStatus(
  db: Kysely<unknown>,
  topics: string[],
): Promise<PublicationStatus[]> {
  const { rows } = await sql<Row>`
    select p.topic, p.finality, p.halted_reason,
           coalesce(sum(k.last_sequence), 0) as captured,
           coalesce(sum(k.published_sequence), 0) as published,
           coalesce(sum(k.in_doubt_sequence - k.published_sequence), 0) as in_doubt,
           count(k.blocked_reason) as blocked,
           f.last_offset, f.numbered_to
    from relay.publication p
    join relay.feed_publication f on f.publication_id = p.id
    left join relay.ordering_key k on k.publication_id = p.id
    where p.topic = any (${topics}::text[])
    group by p.id, f.last_offset, f.numbered_to order by p.id`.execute(db);
  return rows.map((row) => ({
    topic: row.topic,
    finality: row.finality,
    captured: Number(row.captured),
    published: Number(row.published),
    backlog: Number(row.captured) - Number(row.published),
    inDoubt: Number(row.in_doubt),
    blockedKeys: Number(row.blocked),
    haltedReason: row.halted_reason,
    feed: { lastOffset: Number(row.last_offset), numberedTo: Number(row.numbered_to) },
  }));
}

/** Counts the events that are due on a publication and not known to be accepted by Pub/Sub. */
export async function countUnpublished(
  db: Kysely<unknown>,
  source: OutboxSource,
  { topic, finality }: PublicationConfig,
): Promise<number> {
  const id = sql`(select p.id from relay.publication p where p.topic = ${topic})`;
  const held = finality === "finalized" ? beforeHeld(source, id, sql`''`) : sql`null`;
  const { rows } = await sql<{ missing: string }>`
    select count(*) as missing
    from (select c.*, ${held} as held from ${source.progress} c) c
    join ${source.rows} o on o.line = c.line
    where ${isDue(finality, sql`least(c.final, c.cleared)`, sql`c.head`)}
      and (c.held is null or o.position <= c.held or exists (
        select from relay.message m where m.publication_id = ${id} and m.event_id = o.event_id))
      and not exists (
        select from relay.publication p
        join relay.message m on m.publication_id = p.id and m.event_id = o.event_id
        join relay.ordering_key k
          on k.publication_id = p.id and k.ordering_key = m.ordering_key
             and k.published_sequence >= m.sequence
        where p.topic = ${topic})`.execute(db);
  return Number(rows[0]?.missing ?? 0);
}
