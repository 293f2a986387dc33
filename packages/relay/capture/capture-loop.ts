import { type Kysely, sql } from "kysely";
import type { Logger } from "pino";
import { type Backoff, backoffMs } from "../backoff.ts";
import { haltPublication, type Publication } from "../journal/publication.ts";
import type { LeaseKeeper } from "../leases/lease-keeper.ts";
import type { RelayMetrics } from "../serve/metrics.ts";
import { Signal } from "../signal.ts";
import { capture, JournalConflict, type Source } from "./capture.ts";
import type { FinalityGuard } from "./finality-guard.ts";
import { findPositions } from "./find-positions.ts";
import type { OutboxViews } from "./outbox-views.ts";

export type CaptureLoopOptions = {
  /** Rows looked at in one statement, at the most. */
  batchSize: number;
  /** How often to look although nothing woke us: a NOTIFY is only ever a latency hint. */
  pollIntervalMs: number;
  backoff: Backoff;
};

/** A wait that a wake ends: while there are no views, nothing is to be read. */
const IDLE_MS = 5_000;

/**
 * Takes what is due from the outbox into the journal, for every chain and every publication that
 * this instance is the leader of, again and again until there is nothing new; then waits for a wake
 * or the poll interval. Publications do not wait for each other.
 */
export class CaptureLoop {
  readonly #wakes = new Map<Publication, Signal>();
  readonly #readAt = new Map<Publication, Date>();
  #stopping = false;

  readonly #db: Kysely<unknown>;
  readonly #publications: Publication[];
  readonly #leases: LeaseKeeper;
  readonly #guard: FinalityGuard;
  readonly #views: OutboxViews;
  readonly #onCaptured: (publication: Publication) => void;
  readonly #onUnconfirmed: (publication: Publication) => void;
  readonly #log: Logger;
  readonly #metrics: RelayMetrics;
  readonly #options: CaptureLoopOptions;

  constructor(
    db: Kysely<unknown>,
    publications: Publication[],
    leases: LeaseKeeper,
    guard: FinalityGuard,
    views: OutboxViews,
    on: {
      /** There is something new in the journal. */
      captured: (publication: Publication) => void;
      /** The outbox lacks events of the journal. */
      unconfirmed: (publication: Publication) => void;
    },
    log: Logger,
    metrics: RelayMetrics,
    options: CaptureLoopOptions,
  ) {
    this.#db = db;
    this.#publications = publications;
    this.#leases = leases;
    this.#guard = guard;
    this.#views = views;
    this.#onCaptured = on.captured;
    this.#onUnconfirmed = on.unconfirmed;
    this.#log = log;
    this.#metrics = metrics;
    this.#options = options;
  }

  /** When the outbox was last read for every publication without an error; null before that. */
  get lastReadAt(): Date | null {
    const times = [...this.#readAt.values()].map((time) => time.getTime());
    return times.length < this.#publications.length ? null : new Date(Math.min(...times));
  }

  /** Says that there may be something new in the outbox. */
  wake(): void {
    for (const wake of this.#wakes.values()) wake.set();
  }

  stop(): void {
    this.#stopping = true;
    this.wake();
  }

  /** Runs until `stop`. A database that does not answer is asked again later. */
  async run(): Promise<void> {
    await Promise.all(this.#publications.map((publication) => this.#runFor(publication)));
  }

  async #runFor(publication: Publication): Promise<void> {
    const wake = new Signal();
    this.#wakes.set(publication, wake);
    let failures = 0;
    while (!this.#stopping) {
      if (this.#views.areMissing) {
        await wake.wait(IDLE_MS);
        continue;
      }
      try {
        const isMore = await this.#round(publication);
        failures = 0;
        this.#readAt.set(publication, new Date());
        if (!isMore) await wake.wait(this.#options.pollIntervalMs);
      } catch (error) {
        if (this.#views.learnFrom(error)) continue;
        failures += 1;
        this.#log.error({ err: error }, "the outbox could not be read; trying again");
        await wake.wait(backoffMs(this.#options.backoff, failures));
      }
    }
  }

  /** One statement per chain. True when one of them was full. */
  async #round(publication: Publication): Promise<boolean> {
    let isMore = false;
    const isLeading = this.#leases.leader(publication) !== null;
    for (const source of isLeading ? await this.#sources() : []) {
      const leader = this.#leases.leader(publication);
      if (leader === null || publication.haltedReason !== null || this.#stopping) continue;
      if (publication.finality === "finalized")
        if (!(await this.#guard.isFirmFor(publication, source))) continue;
      const { batchSize } = this.#options;
      const authority = { instance: this.#leases.instance, leader };
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
   * The live deployment's chains. A deployment is a build and the very table that its outbox is:
   * one that was made again may have had a hole filled, also by the same build, and has to be read
   * from its beginning.
   */
  async #sources(): Promise<Source[]> {
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
  }
}
