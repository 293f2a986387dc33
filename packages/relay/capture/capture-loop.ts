import type { Kysely } from "kysely";
import type { Logger } from "pino";
import { type Backoff, backoffMs } from "../backoff.ts";
import { haltPublication, type Publication } from "../journal/publication.ts";
import type { LeaseKeeper } from "../leases/lease-keeper.ts";
import type { RelayMetrics } from "../serve/metrics.ts";
import { Signal } from "../signal.ts";
import type { OutboxPresence } from "../source/outbox-presence.ts";
import type { Line, OutboxSource } from "../source/outbox-source.ts";
import { capture, JournalConflict } from "./capture.ts";
import type { FinalityGuard } from "./finality-guard.ts";
import { findPositions } from "./find-positions.ts";

export type CaptureLoopOptions = {
  db: Kysely<unknown>;
  source: OutboxSource;
  publications: Publication[];
  leases: LeaseKeeper;
  guard: FinalityGuard;
  presence: OutboxPresence;
  /** There is something new in the journal. */
  onCaptured: (publication: Publication) => void;
  /** The outbox lacks events of the journal. */
  onUnconfirmed: (publication: Publication) => void;
  log: Logger;
  metrics: RelayMetrics;
  /** Rows looked at in one statement, at the most. */
  batchSize: number;
  /** How often to look although nothing woke us: a NOTIFY is only ever a latency hint. */
  pollIntervalMs: number;
  backoff: Backoff;
};

/** A wait that a wake ends: while the outbox is missing, nothing is to be read. */
const IDLE_MS = 5_000;

/**
 * Takes what is due from the outbox into the journal, for every line and every publication that
 * this instance is the leader of, again and again until there is nothing new; then waits for a wake
 * or the poll interval. Publications do not wait for each other.
 */
export class CaptureLoop {
  readonly #options: CaptureLoopOptions;
  readonly #wakes = new Map<Publication, Signal>();
  readonly #readAt = new Map<Publication, Date>();
  #stopping = false;

  constructor(options: CaptureLoopOptions) {
    this.#options = options;
  }

  /** When the outbox was last read for every publication without an error; null before that. */
  get lastReadAt(): Date | null {
    const times = [...this.#readAt.values()].map((time) => time.getTime());
    const { publications } = this.#options;
    return times.length < publications.length ? null : new Date(Math.min(...times));
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
    const { publications } = this.#options;
    await Promise.all(publications.map((publication) => this.#runFor(publication)));
  }

  async #runFor(publication: Publication): Promise<void> {
    const { presence, pollIntervalMs, backoff, log } = this.#options;
    const wake = new Signal();
    this.#wakes.set(publication, wake);
    let failures = 0;
    while (!this.#stopping) {
      if (presence.isMissing) {
        await wake.wait(IDLE_MS);
        continue;
      }
      try {
        const isMore = await this.#round(publication);
        failures = 0;
        this.#readAt.set(publication, new Date());
        if (!isMore) await wake.wait(pollIntervalMs);
      } catch (error) {
        if (presence.learnFrom(error)) continue;
        failures += 1;
        log.error(
          { event: "capture.failed", err: error, publication: publication.topic },
          "the outbox could not be read; trying again",
        );
        await wake.wait(backoffMs(backoff, failures));
      }
    }
  }

  /** One statement per line. True when one of them was full. */
  async #round(publication: Publication): Promise<boolean> {
    const { db, source, leases } = this.#options;
    let isMore = false;
    const isLeading = leases.leader(publication) !== null;
    for (const line of isLeading ? await source.readLines(db) : [])
      if (await this.#captureLine(publication, line)) isMore = true;
    return isMore;
  }

  async #captureLine(publication: Publication, line: Line): Promise<boolean> {
    const { db, source, leases, guard, log, metrics, batchSize } = this.#options;
    const leader = leases.leader(publication);
    if (leader === null || publication.haltedReason !== null || this.#stopping) return false;
    const isFinal = publication.finality === "finalized";
    const firm = isFinal ? guard.firmPart(publication, line) : line;
    if (firm === null) return false;
    try {
      const { instance } = leases;
      const standsTo = isFinal ? guard.standsTo(publication, line.line) : "";
      const what = {
        source,
        publication,
        line: firm,
        standsTo,
        instance,
        leader,
        limit: batchSize,
      };
      const found = await capture(db, what);
      if (found.captured > 0) {
        metrics.captured(publication.topic, found.captured);
        this.#options.onCaptured(publication);
      }
      let isMore = found.captured === batchSize;
      if (found.unconfirmed > 0) {
        const completed = await findPositions(db, source, publication);
        isMore ||= completed > 0;
        this.#options.onUnconfirmed(publication);
      }
      return isMore;
    } catch (error) {
      if (!(error instanceof JournalConflict)) throw error;
      const { topic } = publication;
      log.error(
        { event: "publication.halted", err: error, publication: topic, eventIds: error.eventIds },
        error.message,
      );
      await haltPublication(db, publication, error.message);
      return false;
    }
  }
}
