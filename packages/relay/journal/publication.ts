import { type Kysely, sql } from "kysely";

/**
 * When an event is due on a publication: once it is final, as soon as it is in the outbox, or when
 * its block has this many blocks on top of it.
 */
export type Finality = "finalized" | "latest" | { confirmations: number };

/** A topic and what goes on it, as configured. */
export type PublicationConfig = {
  /** Topic id, without the project. */
  topic: string;
  finality: Finality;
  /** Hashed ordering keys instead of the outbox's own; fixed when the publication is created. */
  keyCount?: number;
};

export type Publication = PublicationConfig & { id: number; haltedReason: string | null };

type Row = {
  id: number;
  finality: string;
  key_count: number | null;
  partitions: number;
  halted_reason: string | null;
};

/**
 * Registers the configured publications in the journal, or finds them there.
 *
 * @throws when one of them was created with another finality or another number of keys: what was
 *   published under the old promise cannot be undone
 */
export async function registerPublications(
  db: Kysely<unknown>,
  configs: PublicationConfig[],
): Promise<Publication[]> {
  const publications: Publication[] = [];
  for (const config of configs) {
    const finality = formatFinality(config.finality);
    const keyCount = config.keyCount ?? null;
    await sql`
      insert into relay.publication (topic, finality, key_count)
      values (${config.topic}, ${finality}, ${keyCount})
      on conflict (topic) do nothing`.execute(db);
    const { rows } = await sql<Row>`
      select id, finality, key_count, partitions, halted_reason
      from relay.publication where topic = ${config.topic}`.execute(db);
    const [row] = rows;
    if (row === undefined)
      throw new Error(`publication ${config.topic} vanished while registering`);
    if (row.finality !== finality || row.key_count !== keyCount)
      throw new Error(
        `Publication ${config.topic} exists with finality ${row.finality} and ${keysInWords(row.key_count)}, ` +
          `and is configured with finality ${finality} and ${keysInWords(keyCount)}. ` +
          "Neither can change: give the new one another topic.",
      );
    await sql`
      insert into relay.lease (publication_id, partition)
      select ${row.id}, n from generate_series(-1, ${row.partitions} - 1) as n
      on conflict do nothing`.execute(db);
    publications.push({ ...config, id: row.id, haltedReason: row.halted_reason });
  }
  return publications;
}

/** Stops a publication: it needs operator action, which ends with clearing `relay.publication.halted_reason`. */
export async function haltPublication(
  db: Kysely<unknown>,
  publication: Publication,
  reason: string,
): Promise<void> {
  publication.haltedReason = reason;
  await sql`
    update relay.publication set halted_reason = ${reason} where id = ${publication.id}`.execute(
    db,
  );
}

/** What a publication's messages say of their finality. */
export function finalityOf({
  finality,
}: Pick<PublicationConfig, "finality">): "provisional" | "final" {
  return finality === "finalized" ? "final" : "provisional";
}

/** A finality as `relay.publication` holds it. */
export function parseFinality(text: string): Finality {
  const confirmations = /^confirmations:(\d+)$/.exec(text)?.[1];
  if (confirmations !== undefined) return { confirmations: Number(confirmations) };
  return text === "finalized" ? "finalized" : "latest";
}

function formatFinality(finality: Finality): string {
  return typeof finality === "string" ? finality : `confirmations:${finality.confirmations}`;
}

function keysInWords(keyCount: number | null): string {
  return keyCount === null ? "the outbox's own keys" : `${keyCount} keys`;
}
