import { type Kysely, sql } from "kysely";
import type { Logger } from "pino";
import { haltPublication, type Publication } from "../journal/publication.ts";
import type { BlockEvidence } from "../reorg/block-evidence.ts";
import type { Source } from "./capture.ts";
import type { OutboxViews } from "./outbox-views.ts";

type FinalBlock = { chainId: number; blockNumber: number; blockHash: string; eventId: string };
type Row = { chain_id: string; block_number: string; block_hash: string; event_id: string };

/**
 * Guards the finality that a final publication stands on: the newest block that it published of,
 * and the newest that it will publish of next. Once the chain has another block in the place of one
 * of them, a reorg went deeper than finality. Nothing that follows could be without a contradiction
 * to what was published, whatever the indexer makes of it: the publication is halted.
 */
export class FinalityGuard {
  readonly #db: Kysely<unknown>;
  readonly #evidence: BlockEvidence;
  readonly #views: OutboxViews;
  readonly #log: Logger;
  /** Finalized checkpoints up to which the chain was asked, per publication and source. */
  readonly #asked = new Map<string, string>();

  constructor(db: Kysely<unknown>, evidence: BlockEvidence, views: OutboxViews, log: Logger) {
    this.#db = db;
    this.#evidence = evidence;
    this.#views = views;
    this.#log = log;
  }

  /**
   * Whether more may be captured from a source, up to the finalized checkpoint it was read with. The
   * chain is asked only when that has moved.
   */
  async isFirmFor(publication: Publication, source: Source): Promise<boolean> {
    const key = `${publication.id} ${source.deployment} ${source.chainId}`;
    if (this.#asked.get(key) === source.finalized) return true;
    if (!(await this.isFirm(publication))) return false;
    this.#asked.set(key, source.finalized ?? "");
    return true;
  }

  /** Whether no final block was replaced; halts the publication when one was. */
  async isFirm(publication: Publication): Promise<boolean> {
    const published = await newestPublished(this.#db, publication);
    for (const block of [...published, ...(await newestIndexed(this.#db, this.#views))])
      if (await this.#evidence.isReplaced(block.chainId, block.blockNumber, block.blockHash)) {
        await this.halt(publication, block);
        return false;
      }
    return true;
  }

  async halt(publication: Publication, block: FinalBlock): Promise<void> {
    const reason =
      `The chain replaced block ${block.blockNumber} (${block.blockHash}) of chain ${block.chainId} after it had counted as final, with event ${block.eventId} in it. ` +
      "Nothing more is published here, so that nothing contradicts what was. See docs/how-to/a-reorg-deeper-than-finality.md.";
    this.#log.error({ publication: publication.topic }, reason);
    await haltPublication(this.#db, publication, reason);
  }
}

/** Of each chain, the newest that stands in the journal. */
async function newestPublished(db: Kysely<unknown>, { id }: Publication): Promise<FinalBlock[]> {
  const { rows } = await sql<Row>`
    select m.chain_id, m.block_number, m.block_hash, m.event_id
    from (select distinct chain_id from relay.capture_cursor where publication_id = ${id}) c
    cross join lateral (
      select * from relay.message
      where publication_id = ${id} and chain_id = c.chain_id
      order by position desc limit 1) m`.execute(db);
  return rows.map(toBlock);
}

/** Of each chain, the newest final one of the outbox; none while there are no views. */
async function newestIndexed(db: Kysely<unknown>, views: OutboxViews): Promise<FinalBlock[]> {
  if (views.areMissing) return [];
  try {
    const { rows } = await sql<Row>`
      select o.chain_id, o.block_number, o.block_hash, o.event_id
      from escrow._ponder_checkpoint c
      cross join lateral (
        select * from escrow.outbox
        where chain_id = c.chain_id and position <= c.finalized_checkpoint
        order by position desc limit 1) o`.execute(db);
    return rows.map(toBlock);
  } catch (error) {
    if (views.learnFrom(error)) return [];
    throw error;
  }
}

function toBlock(row: Row): FinalBlock {
  return {
    chainId: Number(row.chain_id),
    blockNumber: Number(row.block_number),
    blockHash: row.block_hash,
    eventId: row.event_id,
  };
}
