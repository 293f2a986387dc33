import type { Duplex } from "node:stream";
import { Kysely, PostgresDialect, type PostgresPoolClient } from "kysely";
import type pg from "pg";
import { type Progress, readProgress } from "./progress.ts";
import { statementName } from "./statement-name.ts";

/**
 * A connection of the pool for one read-only transaction. Its statements are answered in order. When
 * the signal comes, the connection is closed with what runs on it, which ends it in the database as
 * well. After `giveBack` it refuses: the connection is somebody else's then.
 */
export class ConnectionLease {
  readonly db: Kysely<unknown>;
  readonly #connection: pg.PoolClient;
  readonly #signal: AbortSignal;
  readonly #onAbort = (): void => this.#release(true);
  #last: Promise<unknown> = Promise.resolve();
  #isOver = false;
  #isReleased = false;

  constructor(connection: pg.PoolClient, signal: AbortSignal) {
    this.#connection = connection;
    this.#signal = signal;
    const session = {
      query: (text: string, values: readonly unknown[]) => this.#query(text, values),
      release: () => undefined,
    } as PostgresPoolClient;
    const pool = { connect: async () => session, end: async () => undefined, options: {} };
    this.db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
    signal.addEventListener("abort", this.#onAbort, { once: true });
    if (signal.aborted) this.#release(true);
  }

  /** Begins the transaction; its snapshot is taken with what is read here. */
  async begin(hasVerified: boolean): Promise<Progress> {
    this.#signal.throwIfAborted();
    // Both are sent at once (the connection is in pipeline mode); an error of the first is also one
    // of the second.
    const socket = socketOf(this.#connection);
    socket.cork();
    void this.#connection.query("begin").catch(() => undefined);
    const progress = readProgress(this.#connection, hasVerified);
    socket.uncork();
    return await progress;
  }

  /** Ends the transaction once what was asked is answered, and gives the connection back. */
  async giveBack(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    await this.#last.catch(() => undefined);
    try {
      await this.#connection.query("commit");
      this.#release(false);
    } catch {
      this.#release(true);
    }
  }

  /** Sent at once, answered in order: the connection is in pipeline mode. */
  #query(text: string, values: readonly unknown[]): Promise<unknown> {
    if (this.#isOver) return Promise.reject(new Error("the snapshot of this read has ended"));
    const name = statementName(text);
    const query = { text, values: values as unknown[], ...(name === null ? {} : { name }) };
    const answer = this.#connection.query(query);
    this.#last = answer;
    return answer;
  }

  #release(isBroken: boolean): void {
    this.#isOver = true;
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
