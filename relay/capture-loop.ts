import { type Kysely, sql } from "kysely";
import type { Logger } from "pino";
import { type Backoff, backoffMs } from "./backoff.ts";
import { capture, JournalConflict, type Source } from "./capture.ts";
import type { FinalGround } from "./final-ground.ts";
import { findPositions } from "./find-positions.ts";
import { isViewsMissing } from "./is-views-missing.ts";
import type { LeaseKeeper } from "./lease-keeper.ts";
import type { RelayMetrics } from "./metrics.ts";
import { haltPublication, type Publication } from "./publication.ts";
import { Signal } from "./signal.ts";

export type CaptureLoopOptions = {
  /** Rows looked at in one statement, at the most. */
  batchSize: number;
  /** How often to look although nothing woke us: a NOTIFY is only ever a latency hint. */
  pollIntervalMs: number;
  backoff: Backoff;
};

/**
 * Takes what is due from the outbox into the journal, for every chain and every publication that
 * this instance has the lead of, again and again until there is nothing new; then waits for a wake
 * or the poll interval.
 */
export class CaptureLoop {
  readonly #wake = new Signal();
  #stopping = false;
  #failures = 0;

  readonly #db: Kysely<unknown>;
  readonly #publications: Publication[];
  readonly #leases: LeaseKeeper;
  readonly #ground: FinalGround;
  readonly #onCaptured: (publication: Publication) => void;
  readonly #onUnconfirmed: (publication: Publication) => void;
  readonly #log: Logger;
  readonly #metrics: RelayMetrics;
  readonly #options: CaptureLoopOptions;

  /** When the outbox was last read without an error; null before the first time. */
  lastReadAt: Date | null = null;

  constructor(
    db: Kysely<unknown>,
    publications: Publication[],
    leases: LeaseKeeper,
    ground: FinalGround,
    on: {
      /** There is something new in the journal. */
      captured: (publication: Publication) => void;
      /** The outbox lacks what the journal told of. */
      unconfirmed: (publication: Publication) => void;
    },
    log: Logger,
    metrics: RelayMetrics,
    options: CaptureLoopOptions,
  ) {
    this.#db = db;
    this.#publications = publications;
    this.#leases = leases;
    this.#ground = ground;
    this.#onCaptured = on.captured;
    this.#onUnconfirmed = on.unconfirmed;
    this.#log = log;
    this.#metrics = metrics;
    this.#options = options;
  }

  /** Says that there may be something new in the outbox. */
  wake(): void {
    this.#wake.set();
  }

  stop(): void {
    this.#stopping = true;
    this.#wake.set();
  }

  /** Runs until `stop`. A database that does not answer is asked again later. */
  async run(): Promise<void> {
    while (!this.#stopping) {
      try {
        const isMore = await this.#round();
        this.#failures = 0;
        this.lastReadAt = new Date();
        if (!isMore) await this.#wake.wait(this.#options.pollIntervalMs);
      } catch (error) {
        await this.#afterFailure(error);
      }
    }
  }

  /** One statement per publication and chain. True when one of them was full. */
  async #round(): Promise<boolean> {
    let isMore = false;
    const led = this.#publications.filter((each) => this.#leases.lead(each) !== null);
    for (const source of led.length > 0 ? await this.#sources() : [])
      for (const publication of led) {
        const lead = this.#leases.lead(publication);
        if (lead === null || publication.haltedReason !== null || this.#stopping) continue;
        if (publication.finality === "finalized")
          if (!(await this.#ground.isFirmFor(publication, source))) continue;
        const { batchSize } = this.#options;
        const authority = { instance: this.#leases.instance, lead };
        try {
          const found = await capture(this.#db, publication, source, authority, batchSize);
          if (found.captured > 0) {
            this.#metrics.captured(publication.topic, found.captured);
            this.#onCaptured(publication);
          }
          if (found.unconfirmed > 0) {
            isMore ||= (await findPositions(this.#db, publication)) > 0;
            this.#onUnconfirmed(publication);
          }
          isMore ||= found.captured === batchSize;
        } catch (error) {
          if (!(error instanceof JournalConflict)) throw error;
          this.#log.error({ err: error, publication: publication.topic }, error.message);
          await haltPublication(this.#db, publication, error.message);
        }
      }
    return isMore;
  }

  /**
   * The live deployment's chains; none while no deployment has made the views yet. A deployment is
   * a build and the very table that its outbox is: one that was made anew may have had a hole
   * filled, also by the same build, and has to be read from its beginning.
   */
  async #sources(): Promise<Source[]> {
    try {
      const { rows } = await sql<Source>`
        select (m.value ->> 'build_id') || '/' || coalesce(
                 (select min(d.refobjid)
                  from pg_rewrite r join pg_depend d
                    on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
                       and d.refclassid = 'pg_class'::regclass and d.refobjid <> r.ev_class
                  where r.ev_class = 'escrow.outbox'::regclass),
                 'escrow.outbox'::regclass::oid) as deployment,
               c.chain_id as "chainId",
               c.finalized_checkpoint as finalized
        from escrow._ponder_checkpoint c cross join escrow._ponder_meta m
        where m.key = 'app' order by c.chain_id`.execute(this.#db);
      return rows;
    } catch (error) {
      if (isViewsMissing(error)) return [];
      throw error;
    }
  }

  async #afterFailure(error: unknown): Promise<void> {
    this.#failures += 1;
    this.#log.error({ err: error }, "the outbox could not be read; trying again");
    await this.#wake.wait(backoffMs(this.#options.backoff, this.#failures));
  }
}
