import { setTimeout } from "node:timers/promises";
import { type CatchUpOptions, catchUp } from "./catch-up.ts";
import { FeedRefused } from "./feed-failure.ts";
import { readFeedPosition } from "./feed-position.ts";

/** A gap that the feed has not filled is not looked up again sooner. */
const AGAIN_AFTER_MS = 30_000;
const MAX_PAUSE_MS = 60_000;

/**
 * Reads the feed when its messages are needed:
 *
 *   new ──its end is reached──► following ──a key waits for what does not come──► reading again
 *                                   ▲──────────────its end is reached─────────────────┘
 *
 * A consumer that has reached the end once begins with what Pub/Sub delivers, without looking.
 */
export class FeedFollower {
  readonly #options: CatchUpOptions;
  readonly #onRead: () => void;
  readonly #clock: () => number;
  #running: Promise<void> | null = null;
  #lastMs = Number.NEGATIVE_INFINITY;

  /** @param onRead what is early may have been applied now */
  constructor(options: CatchUpOptions, onRead: () => void) {
    this.#options = options;
    this.#onRead = onRead;
    this.#clock = options.work.clock;
  }

  /**
   * Reads it to its end, unless that was done before. What does not answer is asked for as long as it
   * takes.
   *
   * @throws FeedRefused, or the signal's reason
   */
  async begin(): Promise<void> {
    const { work, feed, signal } = this.#options;
    for (let failures = 0; ; failures++)
      try {
        const position = await readFeedPosition(work.pool, feed.publication, work.consumer);
        if (position?.isCaughtUp) return;
        return await catchUp(this.#options);
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof FeedRefused) throw error;
        this.#say(error);
        const pauseMs = Math.min(work.backoff.firstMs * 2 ** failures, MAX_PAUSE_MS);
        await setTimeout(pauseMs, undefined, { signal });
      }
  }

  /** Says that a key waits for a message that does not come. */
  onGap(): void {
    const now = this.#clock();
    if (this.#running !== null || now - this.#lastMs < AGAIN_AFTER_MS) return;
    this.#lastMs = now;
    this.#running = catchUp(this.#options)
      .then(this.#onRead, (error: unknown) => {
        if (!this.#options.signal.aborted) this.#say(error);
      })
      .finally(() => {
        this.#running = null;
      });
  }

  /** Resolves when nothing is under way any more; the signal ends it. */
  async stop(): Promise<void> {
    await this.#running;
  }

  #say(error: unknown): void {
    const { work, feed } = this.#options;
    const { publication } = feed;
    work.log.error({ event: "feed.failed", err: error, publication }, "the feed could not be read");
  }
}
