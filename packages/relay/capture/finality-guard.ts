import { type Kysely, sql } from "kysely";
import type { Logger } from "pino";
import { haltPublication, type Publication } from "../journal/publication.ts";
import type { OutboxPresence } from "../source/outbox-presence.ts";
import type { Line, OutboxSource } from "../source/outbox-source.ts";

type FinalBlock = { line: number; height: number; hash: string; eventId: string };
type Row = { line: string; height: string; hash: string; event_id: string };

export type FinalityGuardOptions = {
  db: Kysely<unknown>;
  source: OutboxSource;
  presence: OutboxPresence;
  log: Logger;
};

/**
 * Guards the finality that a final publication stands on: the newest block that it published of,
 * and the newest that it will publish of next. Once the chain has another block in the place of one
 * of them, a reorg went deeper than finality. Nothing that follows could be without a contradiction
 * to what was published, whatever the indexer makes of it: the publication is halted.
 */
export class FinalityGuard {
  readonly #options: FinalityGuardOptions;
  /** Positions of finality up to which there was evidence, per publication and line. */
  readonly #asked = new Map<string, string>();

  constructor(options: FinalityGuardOptions) {
    this.#options = options;
  }

  /**
   * Whether more may be captured from a line, up to the positions it was read with. For evidence is
   * asked only when one of them has moved.
   */
  async isFirmFor(publication: Publication, line: Line): Promise<boolean> {
    const key = `${publication.id} ${line.edition} ${line.line}`;
    const upTo = `${line.final} ${line.cleared}`;
    if (this.#asked.get(key) === upTo) return true;
    if (!(await this.isFirm(publication))) return false;
    this.#asked.set(key, upTo);
    return true;
  }

  /** Whether no final block was replaced; halts the publication when one was. */
  async isFirm(publication: Publication): Promise<boolean> {
    const { evidence } = this.#options.source;
    if (evidence === null) return true;
    const published = await newestPublished(this.#options.db, publication);
    for (const block of [...published, ...(await this.#newestFinal())])
      if (await evidence.isReplaced(block.line, block.height, block.hash)) {
        await this.halt(publication, block);
        return false;
      }
    return true;
  }

  async halt(publication: Publication, block: FinalBlock): Promise<void> {
    const { db, log } = this.#options;
    const reason =
      `The chain replaced block ${block.height} (${block.hash}) of chain ${block.line} after it had counted as final, with event ${block.eventId} in it. ` +
      "Nothing more is published here, so that nothing contradicts what was. See docs/how-to/a-reorg-deeper-than-finality.md.";
    const { topic } = publication;
    log.error({ event: "publication.halted", publication: topic, ...block }, reason);
    await haltPublication(db, publication, reason);
  }

  /** Of each line, the newest final row that is cleared; none while the outbox is missing. */
  async #newestFinal(): Promise<FinalBlock[]> {
    const { db, source, presence } = this.#options;
    if (presence.isMissing) return [];
    try {
      const { rows } = await sql<Row>`
        select o.line, o.height, o.hash, o.event_id
        from ${source.progress} p
        cross join lateral (
          select * from ${source.rows} r
          where r.line = p.line and r.position <= least(p.final, p.cleared)
          order by r.position desc limit 1) o`.execute(db);
      return rows.map(toBlock);
    } catch (error) {
      if (presence.learnFrom(error)) return [];
      throw error;
    }
  }
}

/** Of each line, the newest that stands in the journal. */
async function newestPublished(db: Kysely<unknown>, { id }: Publication): Promise<FinalBlock[]> {
  const { rows } = await sql<Row>`
    select m.chain_id as line, m.block_number as height, m.block_hash as hash, m.event_id
    from (select distinct chain_id from relay.capture_cursor where publication_id = ${id}) c
    cross join lateral (
      select * from relay.message
      where publication_id = ${id} and chain_id = c.chain_id
      order by position desc limit 1) m`.execute(db);
  return rows.map(toBlock);
}

function toBlock(row: Row): FinalBlock {
  return {
    line: Number(row.line),
    height: Number(row.height),
    hash: row.hash,
    eventId: row.event_id,
  };
}
