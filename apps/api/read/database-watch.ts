import type pg from "pg";
import type { EventLog } from "../../../config/event-log.ts";
import { Problem } from "../problem.ts";
import { isConnectionLost, MAX_LOST } from "./connection-lost.ts";
import { problemOfError } from "./problem-of-error.ts";
import { PROGRESS_TIMEOUT_MS, type Progress, readProgress } from "./progress.ts";

const LOOK_EVERY_MS = 1_000;
const LOOK_AGAIN_MS = 250;

type WatchOptions = { pool: pg.Pool; log: EventLog };

/**
 * Looks once a second how far the index is, so that `/health`, `/ready`, `/status` and `/metrics` can
 * say it from memory, and nobody has to wait for a database that is known to be away.
 *
 *   unknown ──answers──► there ──no answer in time──► away ──answers──► there (logged once each way)
 */
export class DatabaseWatch {
  readonly #pool: pg.Pool;
  readonly #log: EventLog;
  #state: "unknown" | "there" | "away" = "unknown";
  #answeredMs: number | null = null;
  #timer: NodeJS.Timeout | undefined;
  #progress: Progress | null = null;
  #hasVerified = false;
  #problem: Problem | null = new Problem("ES-NOT-READY", "The database has not been asked yet.");

  constructor({ pool, log }: WatchOptions) {
    this.#pool = pool;
    this.#log = log;
  }

  /** What was last read, however long ago; null before the first time. */
  get progress(): Progress | null {
    return this.#progress;
  }

  /** Whether there is a view of what was verified, when last looked. */
  get hasVerified(): boolean {
    return this.#hasVerified;
  }

  /** Whether the database is known not to answer. */
  get isAway(): boolean {
    return this.#state === "away";
  }

  /** @throws Problem when the database is known not to answer: nobody need wait for it */
  refuseIfAway(): void {
    if (this.isAway && this.#problem !== null) throw this.#problem;
  }

  /** Null when readers are answered; otherwise why not. */
  get notReadyBecause(): string | null {
    if (this.#problem === null && this.#progress?.chains.length === 0)
      return "No indexer has made its tables yet.";
    return this.#problem?.message ?? null;
  }

  /** How old the last look is, in milliseconds; null before the first. */
  get ageMs(): number | null {
    return this.#answeredMs === null ? null : performance.now() - this.#answeredMs;
  }

  start(): void {
    const look = async (): Promise<void> => {
      await this.look();
      if (this.#timer !== undefined)
        this.#timer = setTimeout(look, this.isAway ? LOOK_AGAIN_MS : LOOK_EVERY_MS);
    };
    this.#timer = setTimeout(look, 0);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Looks now, and remembers. Never fails. */
  async look(): Promise<void> {
    for (let lost = 0; ; lost += 1)
      try {
        await this.#readProgress();
        return this.#answered();
      } catch (error) {
        // Of the connections that were idle when the database ended them, each fails once.
        if (lost < MAX_LOST && isConnectionLost(error)) continue;
        return this.#failed(error);
      }
  }

  async #readProgress(): Promise<void> {
    const { rows } = await this.#pool.query({
      text: "select to_regclass('escrow.chain_verified') is not null as there, to_regclass('escrow.chain_progress') is not null as begun",
      query_timeout: PROGRESS_TIMEOUT_MS,
    } as pg.QueryConfig);
    this.#hasVerified = rows[0].there;
    this.#progress = rows[0].begun
      ? (await readProgress(this.#pool, this.#hasVerified)).progress
      : { isReady: false, isCaughtUp: true, chains: [], standbyLagSeconds: null };
  }

  #answered(): void {
    this.#answeredMs = performance.now();
    this.#problem = null;
    if (this.#state === "away")
      this.#log.info({ event: "api.database-back" }, "The database answers again.");
    this.#state = "there";
  }

  #failed(error: unknown): void {
    const problem = problemOfError(error);
    this.#problem = problem;
    // A view that is being replaced is none of the database's troubles.
    const isThere = problem.code === "ES-BUSY" || problem.code === "ES-NOT-READY";
    if (isThere || this.#state === "away") return;
    this.#state = "away";
    this.#log.warn(
      { event: "api.database-away", code: problem.code, reason: String(error) },
      `The database does not answer the API: ${String(error)}. Readers get 503 until it does.`,
    );
  }
}
