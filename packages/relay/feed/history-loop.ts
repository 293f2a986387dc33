import type { Kysely } from "kysely";
import type { Logger } from "pino";
import { type Backoff, backoffMs } from "../backoff.ts";
import type { Publication } from "../journal/publication.ts";
import type { Lease, LeaseKeeper } from "../leases/lease-keeper.ts";
import { Signal } from "../signal.ts";
import { dropHistoryIndex, ensureHistoryIndex } from "./history-index.ts";
import { hasHistory, numberHistory } from "./number-history.ts";

export type HistoryLoopOptions = {
  db: Kysely<unknown>;
  publication: Publication;
  leases: LeaseKeeper;
  log: Logger;
  backoff: Backoff;
};

const MESSAGES_PER_PIECE = 5_000;
const IDLE_MS = 5_000;
/** A journal that is restored may bring its history along. */
const DONE_MS = 60_000;

/**
 * Numbers the messages of before the feed, piece by piece, for one publication that this instance
 * is the leader of:
 *
 *   history ──the index is there──► pieces ──none is left──► done ──restored from before──► history
 *
 * Between two pieces it rests for as long as one took: capturing and publishing go on beside it.
 */
export class HistoryLoop {
  readonly #options: HistoryLoopOptions;
  readonly #log: Logger;
  readonly #wake = new Signal();
  readonly #stopped = new AbortController();
  #isUnderWay = false;

  constructor(options: HistoryLoopOptions) {
    this.#options = options;
    this.#log = options.log.child({ publication: options.publication.topic });
  }

  /** Says that the leader may be another one. */
  wake(): void {
    this.#wake.set();
  }

  stop(): void {
    this.#stopped.abort();
    this.#wake.set();
  }

  /** Runs until `stop`. A database that does not answer is asked again later. */
  async run(): Promise<void> {
    const { publication, leases, backoff } = this.#options;
    const { signal } = this.#stopped;
    let failures = 0;
    while (!signal.aborted) {
      const leader = leases.leader(publication);
      try {
        const restMs = leader === null ? IDLE_MS : await this.#turn(leader);
        failures = 0;
        await this.#wake.wait(restMs);
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        this.#log.error(
          { event: "history.failed", err: error },
          "messages of before the feed could not be numbered; trying again",
        );
        await this.#wake.wait(backoffMs(backoff, failures));
      }
    }
  }

  /** @returns how long to rest, in milliseconds */
  async #turn(leader: Lease): Promise<number> {
    const { db, publication, leases } = this.#options;
    const { signal } = this.#stopped;
    if (!(await hasHistory(db, publication))) {
      await dropHistoryIndex(db, signal);
      return DONE_MS;
    }
    if (!(await ensureHistoryIndex(db, signal))) return IDLE_MS;
    const startedAt = performance.now();
    const { instance } = leases;
    const progress = await numberHistory(db, publication, instance, leader, MESSAGES_PER_PIECE);
    if (progress === null) return IDLE_MS;
    const { filledTo, historyTo } = progress;
    if (!this.#isUnderWay || filledTo === historyTo)
      this.#log.info(
        { event: "history.numbered", filledTo, historyTo },
        filledTo === historyTo
          ? "all messages of before the feed have their offsets"
          : "numbering the messages of before the feed",
      );
    this.#isUnderWay = filledTo < historyTo;
    return this.#isUnderWay ? performance.now() - startedAt : 0;
  }
}
