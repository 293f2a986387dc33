import { FairQueue } from "../read/fair-queue.ts";
import { type FeedEntry, feedEntries } from "./feed-entry.ts";
import type { FeedBounds } from "./feed-row.ts";
import type { FeedSource } from "./feed-source.ts";

type FeedPagesOptions = {
  source: FeedSource;
  /** The one of all reads. */
  queue: FairQueue;
  maxStreams: number;
};

type Page = { sinceMs: number; entries: Promise<FeedEntry[]> };

/** Messages of a page. */
const PAGE = 500;
/** So many pages are read at once: streams that catch up leave the other connections to others. */
const AT_ONCE = 2;
const QUEUE_MS = 30_000;
/** So many pages are kept for whoever comes by soon, for so many milliseconds. */
const KEPT = 32;
const KEEP_MS = 2_000;

/**
 * The pages that streams catch up by. Those who are at the same place share them: pages end at the
 * same offsets for everybody, so that they get into step.
 */
export class FeedPages {
  readonly #source: FeedSource;
  readonly #queue: FairQueue;
  readonly #line: FairQueue;
  readonly #pages = new Map<string, Page>();

  constructor({ source, queue, maxStreams }: FeedPagesOptions) {
    this.#source = source;
    this.#queue = queue;
    const waiting = { waiting: maxStreams, waitingPerClient: maxStreams };
    this.#line = new FairQueue({ atOnce: AT_ONCE, ...waiting, longestMs: QUEUE_MS });
  }

  /**
   * @param client whose turn in the queue is taken, where it is read now
   * @returns the entries behind `after`, as far as a page goes; none when there are none yet
   * @throws Problem, or what the database says
   */
  async read(publication: FeedBounds, after: number, client: string): Promise<FeedEntry[]> {
    const name = `${publication.publication_id} ${after}`;
    const nowMs = performance.now();
    const known = this.#pages.get(name);
    if (known !== undefined && nowMs - known.sinceMs < KEEP_MS) return await known.entries;
    const page = { sinceMs: nowMs, entries: this.#readNow(publication, after, client) };
    this.#keep(name, page);
    try {
      const entries = await page.entries;
      // The age of what was read, not of the wait for it.
      page.sinceMs = performance.now();
      if (entries.length === 0) this.#forget(name, page);
      return entries;
    } catch (error) {
      this.#forget(name, page);
      throw error;
    }
  }

  async #readNow(publication: FeedBounds, after: number, client: string): Promise<FeedEntry[]> {
    const { signal } = new AbortController();
    const leaveLine = await this.#line.enter(client, signal);
    try {
      const leave = await this.#queue.enter(client, signal);
      try {
        const limit = PAGE - (after % PAGE);
        const { rows } = await this.#source.page(publication, { after, limit });
        return await feedEntries(this.#source, publication, rows);
      } finally {
        leave();
      }
    } finally {
      leaveLine();
    }
  }

  #keep(name: string, page: Page): void {
    this.#pages.delete(name);
    this.#pages.set(name, page);
    const [oldest] = this.#pages.keys();
    if (this.#pages.size > KEPT && oldest !== undefined) this.#pages.delete(oldest);
  }

  #forget(name: string, page: Page): void {
    if (this.#pages.get(name) === page) this.#pages.delete(name);
  }
}
