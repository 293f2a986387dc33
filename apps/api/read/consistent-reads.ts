import { setTimeout } from "node:timers/promises";
import type { Kysely } from "kysely";
import type pg from "pg";
import { Problem } from "../problem.ts";
import { ConnectionLease } from "./connection-lease.ts";
import { isConnectionLost, MAX_LOST } from "./connection-lost.ts";
import type { DatabaseWatch } from "./database-watch.ts";
import type { FairQueue } from "./fair-queue.ts";
import { isBehind, type Progress, readProgress } from "./progress.ts";

/** Who asks: the name of their line in the queue, and what ends their patience. */
export type Asker = { client: string; signal: AbortSignal };

/** The database as it was at one moment, and how far the index was then. */
export type Snapshot = { db: Kysely<unknown>; progress: Progress; signal: AbortSignal };

export type ReadResult<T> = { answer: T; progress: Progress };

export type ConsistentReadsOptions = {
  pool: pg.Pool;
  queue: FairQueue;
  watch: DatabaseWatch;
  /** How long an answer may be held back until the engine has caught up, in milliseconds. */
  holdMs: number;
  /** After this long behind, what there is counts as the truth: the chain went back meanwhile. */
  acceptAfterMs: number;
};

type Attempt<T> = { done: ReadResult<T> } | { again: "behind" | "locked" | "lost" };

const POLL_MS = 50;
const LOCK_PAUSE_MS = 20;
/** So many wait at most until the engine has caught up. */
const MOST_HELD = 1_000;

/**
 * The only way to read: one repeatable-read snapshot, and how far the index is in that very snapshot.
 *
 * Nobody sees the past again. After a restart the engine reverts everything that is not final and
 * indexes it again; so while a snapshot is behind what was answered before, its reader waits, and
 * gets 503 when that takes too long. The snapshot proves it by itself: nothing has to be asked after.
 *
 *   wait in the queue ──► begin, progress ──not behind──► work ──► answer
 *          ▲                      ├── behind: give the place back, wait until a shared look is not ──┐
 *          │                      └── a lock timed out, a view was replaced, a connection lost ──────┤
 *          └─────────────────────────────────────────────────────────────────────────────────────────┘
 */
export class ConsistentReads {
  readonly #options: ConsistentReadsOptions;
  #looks = 0;
  #served: { progress: Progress; look: number } | null = null;
  #behindSinceMs: number | null = null;
  #waiting: Promise<void> | null = null;
  #held = 0;

  constructor(options: ConsistentReadsOptions) {
    this.#options = options;
  }

  /**
   * Reads in one snapshot. `work` may be run again, on another snapshot.
   *
   * @throws Problem when nothing can be read now, or it takes too long; the signal's reason; what
   *   `work` throws
   */
  async run<T>(asker: Asker, work: (snapshot: Snapshot) => Promise<T>): Promise<ReadResult<T>> {
    const deadlineMs = performance.now() + this.#options.holdMs;
    for (let lost = 0; ; ) {
      const attempt = await this.#attempt(asker, work, { lost, deadlineMs });
      if ("done" in attempt) return attempt.done;
      if (attempt.again === "lost") lost += 1;
      else if (performance.now() > deadlineMs) throw catchingUp();
      else if (attempt.again === "behind") await this.#notBehind(deadlineMs);
      else await setTimeout(LOCK_PAUSE_MS);
    }
  }

  async #attempt<T>(
    { client, signal }: Asker,
    work: (snapshot: Snapshot) => Promise<T>,
    { lost, deadlineMs }: { lost: number; deadlineMs: number },
  ): Promise<Attempt<T>> {
    const { pool, queue, watch } = this.#options;
    watch.refuseIfAway();
    const leave = await queue.enter(client, signal);
    let lease: ConnectionLease | null = null;
    try {
      watch.refuseIfAway();
      lease = new ConnectionLease(await pool.connect(), signal);
      const look = ++this.#looks;
      const progress = await lease.begin(watch.hasVerified);
      if (this.#isBehind(progress, look)) return { again: "behind" };
      const answer = await work({ db: lease.db, progress, signal });
      return { done: { answer, progress } };
    } catch (error) {
      signal.throwIfAborted();
      const isInTime = performance.now() < deadlineMs;
      if (isInTime && isReplaced(error)) return { again: "locked" };
      if (lost < MAX_LOST && isConnectionLost(error)) return { again: "lost" };
      throw error;
    } finally {
      // Nobody waits for the end of the transaction but the next one who comes in.
      if (lease === null) leave();
      else void lease.giveBack().then(leave);
    }
  }

  #isBehind(progress: Progress, look: number): boolean {
    const served = this.#served;
    if (served !== null && isBehind(progress, served.progress)) {
      this.#behindSinceMs ??= performance.now();
      if (performance.now() - this.#behindSinceMs < this.#options.acceptAfterMs) return true;
    } else this.#behindSinceMs = null;
    if (served === null || look > served.look) this.#served = { progress, look };
    return false;
  }

  /** Waits until a look that everybody who waits shares is not behind, or the time is up. */
  async #notBehind(deadlineMs: number): Promise<void> {
    if (this.#held >= MOST_HELD) throw catchingUp();
    this.#waiting ??= this.#lookUntilNotBehind().finally(() => {
      this.#waiting = null;
    });
    const leftMs = Math.max(0, deadlineMs - performance.now());
    const stop = new AbortController();
    this.#held += 1;
    await Promise.race([
      this.#waiting.catch(() => undefined),
      setTimeout(leftMs, undefined, { signal: stop.signal }).catch(() => undefined),
    ]);
    this.#held -= 1;
    stop.abort();
  }

  async #lookUntilNotBehind(): Promise<void> {
    const { pool, watch, holdMs } = this.#options;
    const endMs = performance.now() + holdMs;
    while (performance.now() < endMs) {
      await setTimeout(POLL_MS);
      const look = ++this.#looks;
      if (!this.#isBehind(await readProgress(pool, watch.hasVerified), look)) return;
    }
  }
}

/** A wait for a lock timed out, a deadlock, or a plan whose view was replaced meanwhile. */
function isReplaced(error: unknown): boolean {
  return ["55P03", "40P01", "0A000"].includes((error as { code?: string } | null)?.code ?? "");
}

function catchingUp(): Problem {
  return new Problem("ES-CATCHING-UP", "The index is catching up after a restart of the engine.");
}
