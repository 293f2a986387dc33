import { type Kysely, sql } from "kysely";
import { orderingKey } from "../capture/capture.ts";
import type { Publication } from "../journal/publication.ts";
import type { OutboxSource } from "../source/outbox-source.ts";

/**
 * Every key that a message may be published on next: those of the journal, and of what stands in
 * the outbox.
 *
 * @param limit keys at once
 */
export async function* readKeysToAsk(
  db: Kysely<unknown>,
  source: OutboxSource,
  publication: Publication,
  limit: number,
): AsyncIterable<string[]> {
  const { id } = publication;
  for (let after: string | null = ""; after !== null; ) {
    const { rows } = await sql<{ ordering_key: string }>`
      select ordering_key from relay.ordering_key
      where publication_id = ${id} and ordering_key > ${after}
      order by ordering_key limit ${limit}`.execute(db);
    if (rows.length > 0) yield rows.map((row) => row.ordering_key);
    after = rows.at(-1)?.ordering_key ?? null;
  }
  const fresh = await readNewKeys(db, source, publication);
  for (let at = 0; at < fresh.length; at += limit) yield fresh.slice(at, at + limit);
}

async function readNewKeys(
  db: Kysely<unknown>,
  source: OutboxSource,
  publication: Publication,
): Promise<string[]> {
  try {
    const { rows } = await sql<{ key: string }>`
      select distinct ${orderingKey(publication)} as key from ${source.rows} o
      where not exists (
        select from relay.ordering_key k
        where k.publication_id = ${publication.id} and k.ordering_key = ${orderingKey(publication)})`.execute(
      db,
    );
    return rows.map(({ key }) => key);
  } catch (error) {
    if (source.isMissing(error)) return [];
    throw error;
  }
}
