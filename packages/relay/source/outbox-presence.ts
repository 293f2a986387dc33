import type { Kysely } from "kysely";
import type { Logger } from "pino";
import { type Backoff, backoffMs } from "../backoff.ts";
import { Signal } from "../signal.ts";
import type { OutboxSource } from "./outbox-source.ts";

/** Between two polls of the catalog, while something is missing. */
const POLL = { firstMs: 100, maxMs: 2_000 } satisfies Backoff;

export type OutboxPresenceParts = {
  db: Kysely<unknown>;
  source: OutboxSource;
  log: Logger;
  /** Called when what was missing is there. */
  onThere: () => void;
  /** Between tries, when the database does not answer. */
  backoff: Backoff;
};

/**
 * Whether the outbox is there. It is missing before the application has made it, and again when it
 * was dropped:
 *
 *   there ──a statement misses it──► missing ──looked for, and found──► there
 *
 * While it is missing there is nothing to capture or to confirm. The loops that read it wait in
 * memory, and this alone asks the database, by a query that does not fail for want of it.
 */
export class OutboxPresence {
  readonly #parts: OutboxPresenceParts;
  readonly #wake = new Signal();
  #isMissing = false;
  #stopping = false;

  constructor(parts: OutboxPresenceParts) {
    this.#parts = parts;
  }

  get isMissing(): boolean {
    return this.#isMissing;
  }

  /** @returns whether the error only says that the outbox is missing; that is known then */
  learnFrom(error: unknown): boolean {
    const { source, log } = this.#parts;
    if (!source.isMissing(error)) return false;
    if (!this.#isMissing) {
      this.#isMissing = true;
      log.info({ event: "outbox.missing", outbox: source.name }, `waiting for ${source.name}`);
      this.#wake.set();
    }
    return true;
  }

  stop(): void {
    this.#stopping = true;
    this.#wake.set();
  }

  /** Looks for the outbox while it is missing, until `stop`. */
  async run(): Promise<void> {
    while (!this.#stopping) {
      await this.#wake.wait();
      if (this.#isMissing) await this.#lookFor();
    }
  }

  async #lookFor(): Promise<void> {
    const { db, source, log, onThere, backoff } = this.#parts;
    let polls = 0;
    let failures = 0;
    while (!this.#stopping) {
      try {
        if (await source.isThere(db)) break;
        failures = 0;
        polls += 1;
        await this.#wake.wait(backoffMs(POLL, polls));
      } catch (error) {
        failures += 1;
        log.error(
          { event: "outbox.unreadable", err: error },
          `${source.name} could not be looked for; trying again`,
        );
        await this.#wake.wait(backoffMs(backoff, failures));
      }
    }
    if (this.#stopping) return;
    this.#isMissing = false;
    log.info({ event: "outbox.found", outbox: source.name }, `${source.name}: found`);
    onThere();
  }
}
