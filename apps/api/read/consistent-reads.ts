import { setTimeout } from "node:timers/promises";
import type pg from "pg";
import { Problem } from "../problem.ts";
import { ConnectionLease } from "./connection-lease.ts";
import { isConnectionLost, MAX_LOST } from "./connection-lost.ts";
import type { DatabaseWatch } from "./database-watch.ts";
import type { FairQueue } from "./fair-queue.ts";
import { isBehind, type Look, type Progress, readProgress } from "./progress.ts";
import { SharedLook } from "./shared-look.ts";
import type { Statements } from "./statements.ts";
import { unlessAborted } from "./unless-aborted.ts";

/** Who asks: the name of their line in the queue, and what ends their patience. */
export type Asker = { client: string; signal: AbortSignal };

/** The database as it was at one moment, and how far the index was then. */
export type Snapshot = { db: Statements; progress: Progress; signal: AbortSignal };

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

type SharedLookResult = Look & { isBehind: boolean };
type Attempt<T> = { done: T } | { again: "behind" | "locked" | "lost" };

const BEHIND = { again: "behind" } as const;

const POLL_MS = 50;
const LOCK_PAUSE_MS = 20;
/** So many wait at most until the engine has caught up. */
const MOST_HELD = 1_000;

/**
 * The only way to read: one repeatable-read snapshot, and how far the index is in that very snapshot.
 *
 * Nobody sees the past again. After a restart the engine reverts everything that is not final and
 * indexes it again; so while a snapshot is behind what was answered before, its reader waits, and
 * gets 503 when that takes too long. How far the index is, is looked up once for all requests of a
 * moment, after they came. What is read in snapshots of the same name as the look's is proven by it.
 * Where something was written meanwhile, it is read again in a transaction with a look of its own.
 *
 *   shared look ──not behind──► wait in the queue ──► work ──all of the look's snapshot──► answer
 *     ▲      └── behind: wait until a shared look is not     └──moved──► begin, look, work ──► answer
 *     │                                    │                                   └── behind ──┐
 *     ├────────────────────────────────────┴────────────────────────────────────────────────┤
 *     └── a lock timed out, a view was replaced, a connection lost ─────────────────────────┘
 */
export class ConsistentReads {
  readonly #options: ConsistentReadsOptions;
  readonly #look = new SharedLook(() => this.#lookNow());
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
   * @param look one that was just made, by `look`
   * @throws Problem when nothing can be read now, or it takes too long; the signal's reason; what
   *   `work` throws
   */
  async run<T>(
    asker: Asker,
    work: (snapshot: Snapshot) => Promise<T>,
    look: Look | null = null,
  ): Promise<ReadResult<T>> {
    let latest = look;
    return await this.#tryAgain(asker, async () => {
      const shared: Look | null = latest ?? (await this.#sharedLook(asker));
      latest = null;
      return shared === null ? BEHIND : await this.#inLease(asker, shared, work);
    });
  }

  /**
   * How far the index is, after whoever asks came; it is not behind what was answered before.
   *
   * @throws like `run`
   */
  async look(asker: Asker): Promise<Look> {
    return await this.#tryAgain(asker, async () => {
      const look = await this.#sharedLook(asker);
      return look === null ? BEHIND : { done: look };
    });
  }

  async #tryAgain<T>({ signal }: Asker, attempt: () => Promise<Attempt<T>>): Promise<T> {
    const deadlineMs = performance.now() + this.#options.holdMs;
    for (let lost = 0; ; ) {
      const tried = await attempt().catch((error): Attempt<T> => {
        signal.throwIfAborted();
        if (performance.now() < deadlineMs && isReplaced(error)) return { again: "locked" };
        if (lost < MAX_LOST && isConnectionLost(error)) return { again: "lost" };
        throw error;
      });
      if ("done" in tried) return tried.done;
      if (tried.again === "lost") lost += 1;
      else if (performance.now() > deadlineMs) throw catchingUp();
      else if (tried.again === "behind") await this.#notBehind(deadlineMs);
      else await setTimeout(LOCK_PAUSE_MS);
    }
  }

  /** @returns null when it is behind */
  async #sharedLook({ signal }: Asker): Promise<Look | null> {
    this.#options.watch.refuseIfAway();
    const { isBehind, ...look } = await unlessAborted(this.#look.ask(), signal);
    return isBehind ? null : look;
  }

  async #inLease<T>(
    { client, signal }: Asker,
    look: Look,
    work: (snapshot: Snapshot) => Promise<T>,
  ): Promise<Attempt<ReadResult<T>>> {
    const { pool, queue, watch } = this.#options;
    const leave = await queue.enter(client, signal);
    let lease: ConnectionLease | null = null;
    try {
      watch.refuseIfAway();
      lease = new ConnectionLease(await pool.connect(), signal, look.snapshot);
      return await this.#inSnapshot(lease, look, (progress, db) => work({ db, progress, signal }));
    } finally {
      // Nobody waits for the end of the transaction but the next one who comes in.
      if (lease === null) leave();
      else void lease.giveBack().then(leave);
    }
  }

  /** Takes it that all is of the snapshot that was looked at, and reads again where it is not. */
  async #inSnapshot<T>(
    lease: ConnectionLease,
    { progress, snapshot }: Look,
    work: (progress: Progress, db: Snapshot["db"]) => Promise<T>,
  ): Promise<Attempt<ReadResult<T>>> {
    if (snapshot !== null) {
      const tried = await Promise.allSettled([work(progress, lease.db)]);
      if (!lease.hasMoved) {
        const [answer] = tried;
        if (answer.status === "rejected") throw answer.reason;
        return { done: { answer: answer.value, progress } };
      }
    }
    const number = ++this.#looks;
    const { progress: own } = await lease.begin(this.#options.watch.hasVerified);
    if (this.#isBehind(own, number)) return BEHIND;
    return { done: { answer: await work(own, lease.db), progress: own } };
  }

  async #lookNow(): Promise<SharedLookResult> {
    const { pool, watch } = this.#options;
    const number = ++this.#looks;
    const look = await readProgress(pool, watch.hasVerified);
    return { ...look, isBehind: this.#isBehind(look.progress, number) };
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
    const endMs = performance.now() + this.#options.holdMs;
    while (performance.now() < endMs) {
      await setTimeout(POLL_MS);
      if (!(await this.#look.ask()).isBehind) return;
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
