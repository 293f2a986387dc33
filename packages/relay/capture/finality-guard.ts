import { setTimeout } from "node:timers/promises";
import { type Kysely, sql } from "kysely";
import type { Logger } from "pino";
import {
  type FinalBlock,
  haltForBlock,
  readHaltedFor,
  resumePublication,
} from "../journal/final-halt.ts";
import type { Publication } from "../journal/publication.ts";
import type { Lease } from "../leases/lease-keeper.ts";
import type { OutboxPresence } from "../source/outbox-presence.ts";
import type { Line, OutboxSource } from "../source/outbox-source.ts";

type Row = { line: string; height: string; hash: string; event_id: string; position: string };

export type FinalityGuardOptions = {
  db: Kysely<unknown>;
  source: OutboxSource;
  presence: OutboxPresence;
  /** There may be more to capture: evidence came, or a publication was resumed. */
  onFirm: () => void;
  log: Logger;
  /** Between the two looks that a halt, and its end, stand on. */
  haltLooksApartMs: number;
  /** Ends the wait between them. */
  signal: AbortSignal;
};

/**
 * Guards the finality that a final publication stands on: of each line, the newest block that it
 * published of, and the newest that it will publish of next.
 *
 *   firm ──the chain has another block there──► suspected ──the same, later──► halted
 *    ▲                                              │                            │
 *    └────────── it has not ◄───────────────────────┘                            │
 *    └────────── the chain has that very block, in two looks ◄───────────────────┘
 *
 * Nothing is captured of a line that is not firm. A block that the chain replaced after it had
 * counted as final is a reorg deeper than finality: nothing that follows could be without a
 * contradiction to what was published, so the publication halts. But nodes may be wrong for a while,
 * so while it is halted the evidence is looked at again.
 */
export class FinalityGuard {
  readonly #options: FinalityGuardOptions;
  /** As much of each line, per publication, as there was evidence for. */
  readonly #firm = new Map<string, Line>();
  readonly #checking = new Set<string>();
  /** Publication and line. */
  readonly #suspected = new Set<string>();
  /** By publication and line: the position of the newest event, whose block the chain was seen to have. */
  readonly #standsTo = new Map<string, string>();

  constructor(options: FinalityGuardOptions) {
    this.#options = options;
  }

  /**
   * As much of a line as may be captured; null while there is no evidence yet. Never waits for it:
   * the nodes of one chain may not answer, and others go on.
   */
  firmPart(publication: Publication, line: Line): Line | null {
    if (this.#options.source.evidence === null) return line;
    const key = `${publication.id} ${line.edition} ${line.line}`;
    const firm = this.#firm.get(key) ?? null;
    if (firm?.final !== line.final || firm?.cleared !== line.cleared)
      void this.#check(key, publication, line);
    return this.#suspected.has(nameOf(publication, line.line)) ? null : firm;
  }

  async #check(key: string, publication: Publication, line: Line): Promise<void> {
    if (this.#checking.has(key)) return;
    this.#checking.add(key);
    try {
      if (!(await this.isFirm(publication, line.line))) this.#firm.delete(key);
      else {
        this.#firm.set(key, line);
        this.#options.onFirm();
      }
    } catch (error) {
      const { log, presence, signal } = this.#options;
      if (!signal.aborted && !presence.learnFrom(error))
        log.error(
          { event: "finality.unchecked", err: error, publication: publication.topic },
          `finality of chain ${line.line} could not be checked; trying again`,
        );
    } finally {
      this.#checking.delete(key);
    }
  }

  /** Whether no final block was replaced, of one line or of all; halts the publication when one was. */
  async isFirm(publication: Publication, line: string | null = null): Promise<boolean> {
    const { evidence } = this.#options.source;
    if (evidence === null) return true;
    const blocks = [
      ...(await newestCaptured(this.#options.db, publication, line)),
      ...(await this.#newestFinal(line)),
    ];
    const replaced = await Promise.all(
      blocks.map(async (block) =>
        (await evidence.isReplaced(block.line, block.height, block.hash)) ? block : null,
      ),
    );
    const [first] = replaced.filter((block) => block !== null);
    if (first) await this.suspect(publication, first);
    return first === undefined;
  }

  /**
   * The position up to which all that a final publication has published of a line is known to stand,
   * whatever the outbox lacks of it; '' where nothing is.
   */
  standsTo(publication: Publication, line: string): string {
    return this.#standsTo.get(nameOf(publication, line)) ?? "";
  }

  /**
   * Asks, in two looks, whether the chain has the block of the newest event that was published of a
   * line. Then all that was published before it stands as well, and a build that lacks any of it
   * (it follows other factories, or has a hole) holds nothing up.
   */
  async confirm(publication: Publication, line: string): Promise<void> {
    const { db, source, onFirm, log } = this.#options;
    const { evidence } = source;
    const [newest] = await newestCaptured(db, publication, line);
    if (evidence === null || newest === undefined) return;
    const { height, hash, eventId, position } = newest;
    if (this.standsTo(publication, line) >= position) return;
    const isCanonical = () => evidence.isCanonical(newest.line, height, hash);
    if (!(await isCanonical()) || !(await this.#later(isCanonical))) return;
    this.#standsTo.set(nameOf(publication, line), position);
    log.warn(
      { event: "events.missing", publication: publication.topic, line, height, eventId },
      `the outbox lacks final events of chain ${line} that were published, up to block ${height}, which the chain has: they stand, and what follows is published`,
    );
    onFirm();
  }

  /** Looks again, later, at a final block that the chain seems to have replaced; halts if it has. */
  async suspect(publication: Publication, block: FinalBlock): Promise<void> {
    const { db, source, log } = this.#options;
    const { topic } = publication;
    const { evidence } = source;
    if (evidence === null) return;
    const name = nameOf(publication, block.line);
    this.#suspected.add(name);
    try {
      log.warn(
        { event: "finality.suspected", publication: topic, ...block },
        `the chain seems to have replaced block ${block.height} of chain ${block.line}, which is final; looking again before anything is halted`,
      );
      const { line, height, hash } = block;
      const isReplaced = () => evidence.isReplaced(line, height, hash);
      if (!(await this.#later(isReplaced))) return;
      const reason = await haltForBlock(db, source, publication, block);
      if (reason !== null)
        log.error({ event: "publication.halted", publication: topic, ...block }, reason);
    } finally {
      this.#suspected.delete(name);
    }
  }

  /** Lets a publication go on whose halt turns out to be wrong: the chain has the very block. */
  async reexamine(
    publication: Publication,
    as: { instance: string; leader: Lease },
  ): Promise<void> {
    const { db, source, onFirm, log } = this.#options;
    const { evidence } = source;
    const halt = await readHaltedFor(db, publication);
    if (halt === null || evidence === null) return;
    const { line, height, hash } = halt;
    const isCanonical = () => evidence.isCanonical(line, height, hash);
    if (!(await isCanonical()) || !(await this.#later(isCanonical))) return;
    if (!(await resumePublication(db, publication, halt, as))) return;
    log.warn(
      { event: "publication.resumed", publication: publication.topic, line, height, hash },
      `chain ${line} has block ${height} (${hash}) after all: the publication goes on`,
    );
    onFirm();
  }

  /** Asks when the first look is long enough ago; false when it is stopped meanwhile. */
  async #later(ask: () => Promise<boolean>): Promise<boolean> {
    const { haltLooksApartMs, signal } = this.#options;
    await setTimeout(haltLooksApartMs, undefined, { signal }).catch(() => undefined);
    return !signal.aborted && (await ask());
  }

  /** Of each line, the newest final row that is cleared; none while the outbox is missing. */
  async #newestFinal(line: string | null): Promise<FinalBlock[]> {
    const { db, source, presence } = this.#options;
    if (presence.isMissing) return [];
    try {
      const { rows } = await sql<Row>`
        select o.line, o.height, o.hash, o.event_id, o.position
        from ${source.progress} p
        cross join lateral (
          select * from ${source.rows} r
          where r.line = p.line and r.position <= least(p.final, p.cleared)
          order by r.position desc limit 1) o
        where p.line = coalesce(${line}::bigint, p.line)`.execute(db);
      return rows.map((row) => toBlock(row, false));
    } catch (error) {
      if (presence.learnFrom(error)) return [];
      throw error;
    }
  }
}

/** Of each line, the newest that stands in the journal. */
async function newestCaptured(
  db: Kysely<unknown>,
  { id }: Publication,
  line: string | null,
): Promise<FinalBlock[]> {
  const { rows } = await sql<Row>`
    select m.chain_id as line, m.block_number as height, m.block_hash as hash, m.event_id,
           m.position
    from (select distinct chain_id from relay.capture_cursor
          where publication_id = ${id} and chain_id = coalesce(${line}::bigint, chain_id)) c
    cross join lateral (
      select * from relay.message
      where publication_id = ${id} and chain_id = c.chain_id
      order by position desc limit 1) m`.execute(db);
  return rows.map((row) => toBlock(row, true));
}

function nameOf({ id }: Publication, line: number | string): string {
  return `${id} ${line}`;
}

function toBlock(row: Row, isCaptured: boolean): FinalBlock {
  return {
    line: Number(row.line),
    height: Number(row.height),
    hash: row.hash,
    eventId: row.event_id,
    position: row.position,
    isCaptured,
  };
}
