import { type Kysely, sql } from "kysely";
import type { Logger } from "pino";
import { type Backoff, backoffMs } from "../backoff.ts";
import { Signal } from "../signal.ts";
import { isViewsMissing } from "./is-views-missing.ts";

/** Between two looks at the catalog, while the views are missing. */
const LOOK = { firstMs: 100, maxMs: 2_000 } satisfies Backoff;

/**
 * Whether the views are there that the outbox is read through. They are missing before the first
 * indexer has made them, and again when its schema was dropped:
 *
 *   there ──a query misses one──► missing ──looked for, all there──► there
 *
 * While they are missing there is nothing to capture or to confirm. The loops that read them wait
 * in memory, and this alone asks the database, by a query that does not fail for want of them.
 */
export class OutboxViews {
  readonly #db: Kysely<unknown>;
  readonly #log: Logger;
  readonly #onThere: () => void;
  readonly #backoff: Backoff;
  readonly #wake = new Signal();
  #areMissing = false;
  #stopping = false;

  /**
   * @param onThere called when the views that were missing are there
   * @param backoff between tries, when the database does not answer
   */
  constructor(db: Kysely<unknown>, log: Logger, onThere: () => void, backoff: Backoff) {
    this.#db = db;
    this.#log = log;
    this.#onThere = onThere;
    this.#backoff = backoff;
  }

  get areMissing(): boolean {
    return this.#areMissing;
  }

  /** @returns whether the error of a query only says that a view is missing; that is known then */
  learnFrom(error: unknown): boolean {
    if (!isViewsMissing(error)) return false;
    if (!this.#areMissing) {
      this.#areMissing = true;
      this.#log.info("waiting for the indexer to make the views in schema escrow");
      this.#wake.set();
    }
    return true;
  }

  stop(): void {
    this.#stopping = true;
    this.#wake.set();
  }

  /** Looks for the views while they are missing, until `stop`. */
  async run(): Promise<void> {
    while (!this.#stopping) {
      await this.#wake.wait();
      if (this.#areMissing) await this.#look();
    }
  }

  async #look(): Promise<void> {
    let looks = 0;
    let failures = 0;
    while (!this.#stopping) {
      try {
        if (await areThere(this.#db)) break;
        failures = 0;
        looks += 1;
        await this.#wake.wait(backoffMs(LOOK, looks));
      } catch (error) {
        failures += 1;
        this.#log.error({ err: error }, "the views could not be looked for; trying again");
        await this.#wake.wait(backoffMs(this.#backoff, failures));
      }
    }
    if (this.#stopping) return;
    this.#areMissing = false;
    this.#log.info("the views in schema escrow are there");
    this.#onThere();
  }
}

async function areThere(db: Kysely<unknown>): Promise<boolean> {
  const { rows } = await sql<{ are_there: boolean }>`
    select bool_and(to_regclass('escrow.' || name) is not null) as are_there
    from unnest(array['outbox', '_ponder_checkpoint', '_ponder_meta']) as name`.execute(db);
  return rows[0]?.are_there ?? false;
}
