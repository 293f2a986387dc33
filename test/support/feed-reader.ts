import { setTimeout } from "node:timers/promises";
import type pg from "pg";

/** Entries of the feed, in the order in which a reader got them. */
export type ReadEntry = { offset: number; key: string; sequence: number; messageId: string };

/**
 * Reads a feed as any reader does, page by page behind the last offset that it has, while others
 * write.
 */
export class FeedReader {
  readonly entries: ReadEntry[] = [];
  /** What must never be seen. */
  readonly problems: string[] = [];
  readonly #pool: pg.Pool;
  readonly #publicationId: number;
  readonly #limit: number;
  #isStopped = false;
  #running: Promise<void> | null = null;

  constructor(pool: pg.Pool, publicationId: number, limit = 50) {
    this.#pool = pool;
    this.#publicationId = publicationId;
    this.#limit = limit;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Reads what is there by now, and ends. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
    while (await this.#page());
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      await this.#page();
      await setTimeout(1);
    }
  }

  async #page(): Promise<boolean> {
    const { rows } = await this.#pool.query(
      `select feed_offset, ordering_key, sequence, message_id from relay.feed
       where publication_id = $1 and feed_offset > $2 order by feed_offset limit $3`,
      [this.#publicationId, this.entries.at(-1)?.offset ?? 0, this.#limit],
    );
    for (const row of rows) {
      const offset = Number(row.feed_offset);
      const last = this.entries.at(-1)?.offset ?? 0;
      if (offset !== last + 1) this.problems.push(`offset ${offset} came after ${last}`);
      this.entries.push({
        offset,
        key: row.ordering_key,
        sequence: Number(row.sequence),
        messageId: row.message_id,
      });
    }
    return rows.length > 0;
  }
}
