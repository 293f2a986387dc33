import { sql } from "kysely";
import type { FrozenDatabase } from "../../db/frozen-database.ts";
import { type Publication, parseFinality } from "../../packages/relay/journal/publication.ts";

/** A publication and where it stands; sums over its keys. */
export type JournalPublication = Publication & {
  messages: number;
  published: number;
  /** Sent, without an answer: nobody knows yet whether the topic has them. */
  inDoubt: number;
  blockedKeys: number;
  /** Messages of chains that the deployment does not follow: there is nothing to compare them with. */
  ofOtherChains: number;
};

type Row = {
  id: number;
  topic: string;
  finality: string;
  key_count: number | null;
  halted_reason: string | null;
  messages: string;
  published: string;
  in_doubt: string;
  blocked: string;
  of_other_chains: string;
};

/** Every publication in the journal; null when there is no journal at all. */
export async function readJournalPublications(
  database: FrozenDatabase,
  chainIds: readonly number[],
): Promise<JournalPublication[] | null> {
  const [journal] = await database.read(
    sql<{ is_there: boolean }>`select to_regclass('relay.message') is not null as is_there`,
  );
  if (!journal?.is_there) return null;
  const rows = await database.read(
    sql<Row>`
      select p.id, p.topic, p.finality, p.key_count, p.halted_reason,
             (select count(*) from relay.message m where m.publication_id = p.id) as messages,
             (select count(*) from relay.message m where m.publication_id = p.id
                and m.chain_id <> all (${chainIds}::bigint[])) as of_other_chains,
             coalesce(sum(k.published_sequence), 0) as published,
             coalesce(sum(k.in_doubt_sequence - k.published_sequence), 0) as in_doubt,
             count(k.blocked_reason) as blocked
      from relay.publication p left join relay.ordering_key k on k.publication_id = p.id
      group by p.id order by p.id`,
  );
  return rows.map((row) => ({
    id: row.id,
    topic: row.topic,
    finality: parseFinality(row.finality),
    ...(row.key_count === null ? {} : { keyCount: row.key_count }),
    haltedReason: row.halted_reason,
    messages: Number(row.messages),
    published: Number(row.published),
    inDoubt: Number(row.in_doubt),
    blockedKeys: Number(row.blocked),
    ofOtherChains: Number(row.of_other_chains),
  }));
}
