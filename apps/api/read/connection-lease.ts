import type { Duplex } from "node:stream";
import type pg from "pg";
import { type Look, readProgress } from "./progress.ts";
import { SnapshotQuery } from "./snapshot-query.ts";
import { statementName } from "./statement-name.ts";
import { type Statements, statements } from "./statements.ts";

type Mode = "in a transaction" | { ofSnapshot: string } | "over";

/** Thrown where something was written between a look and what should show the same. */
class SnapshotMoved extends Error {
  override name = "SnapshotMoved";
}

/**
 * A connection of the pool for one read. Its statements are answered in order. First each one is read
 * by itself and has to be of the snapshot that was looked at, or else all of them in a transaction:
 *
 *   each alone, of one snapshot ──begin──► in a transaction ──giveBack──► over
 *        └───────────────────────giveBack────────────────────────────────►┘
 *
 * When the signal comes, the connection is closed with what runs on it, which ends it in the database
 * as well. Once over it refuses: the connection is somebody else's then.
 */
export class ConnectionLease {
  readonly db: Statements = statements((text, values) => this.#query(text, values));
  readonly #connection: pg.PoolClient;
  readonly #signal: AbortSignal;
  readonly #onAbort = (): void => this.#release(true);
  #mode: Mode;
  #hasMoved = false;
  #last: Promise<unknown> = Promise.resolve();
  #isCorked = false;
  #isReleased = false;

  /** @param snapshot the name of the one that was looked at; none on a standby */
  constructor(connection: pg.PoolClient, signal: AbortSignal, snapshot: string | null) {
    this.#connection = connection;
    this.#signal = signal;
    this.#mode = { ofSnapshot: snapshot ?? "" };
    signal.addEventListener("abort", this.#onAbort, { once: true });
    if (signal.aborted) this.#release(true);
  }

  /** Whether a statement was not of the snapshot, or was none that can be read by itself. */
  get hasMoved(): boolean {
    return this.#hasMoved;
  }

  /** Begins a transaction. @returns how far the index is in its snapshot */
  async begin(hasVerified: boolean): Promise<Look> {
    this.#signal.throwIfAborted();
    await this.#last.catch(() => undefined);
    this.#mode = "in a transaction";
    this.#cork();
    // Both are sent at once; an error of the first is also one of the second.
    void this.#connection.query("begin").catch(() => undefined);
    return await readProgress(this.#connection, hasVerified);
  }

  /** Ends what was begun once what was asked is answered, and gives the connection back. */
  async giveBack(): Promise<void> {
    if (this.#mode === "over") return;
    const hasBegun = this.#mode === "in a transaction";
    this.#mode = "over";
    await this.#last.catch(() => undefined);
    try {
      if (hasBegun) await this.#connection.query("commit");
      this.#release(false);
    } catch {
      this.#release(true);
    }
  }

  /** Sent at once, answered in order: the connection is in pipeline mode. */
  #query(text: string, values: readonly unknown[]): Promise<unknown> {
    if (this.#mode === "over")
      return Promise.reject(new Error("the snapshot of this read has ended"));
    const name = statementName(text);
    const query = { text, values: values as unknown[], ...(name === null ? {} : { name }) };
    this.#cork();
    const answer =
      this.#mode === "in a transaction"
        ? this.#connection.query(query)
        : this.#queryAlone(query, this.#mode.ofSnapshot);
    this.#last = answer;
    return answer;
  }

  #queryAlone(query: pg.QueryConfig, snapshot: string): Promise<unknown> {
    // A cursor lives in a transaction.
    if (!/^\s*(select|with)\b/.test(query.text)) return this.#moved();
    return new Promise((resolve, reject) => {
      const callback = (error: Error | null, result: pg.QueryResult): void => {
        if (error) reject(error);
        else if (asked.snapshot === snapshot) resolve(result);
        else this.#moved().catch(reject);
      };
      const asked = new SnapshotQuery({ ...query, callback });
      this.#connection.query(asked as unknown as pg.Submittable);
    });
  }

  #moved(): Promise<never> {
    this.#hasMoved = true;
    return Promise.reject(new SnapshotMoved());
  }

  /** What is asked in one turn of the event loop goes out in one piece: each costs a system call. */
  #cork(): void {
    if (this.#isCorked) return;
    this.#isCorked = true;
    const socket = socketOf(this.#connection);
    socket.cork();
    process.nextTick(() => {
      this.#isCorked = false;
      socket.uncork();
    });
  }

  #release(isBroken: boolean): void {
    this.#mode = "over";
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#signal.removeEventListener("abort", this.#onAbort);
    // The pool would let a pipelined query finish first.
    if (isBroken) socketOf(this.#connection).destroy();
    this.#connection.release(isBroken);
  }
}

/** Not part of the driver's types. */
function socketOf(client: pg.PoolClient): Duplex {
  return (client as unknown as { connection: { stream: Duplex } }).connection.stream;
}
