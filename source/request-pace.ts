import { setTimeout } from "node:timers/promises";

/** Time as the pace sees it, in milliseconds; tests bring their own. */
export type Clock = { now(): number; sleep(ms: number): Promise<unknown> };

export const realClock: Clock = { now: () => performance.now(), sleep: (ms) => setTimeout(ms) };

/** However often an endpoint complains, it is asked about once in ten seconds. */
const SLOWEST_PER_SECOND = 0.1;
const SLOW_DOWN = 0.5;
const REGAIN = 1.02;

/**
 * Spreads requests evenly over time, so that no second sees more than the provider allows. When the
 * provider complains all the same, everybody waits, and the pace is halved and comes back slowly.
 */
export class RequestPace {
  readonly #allowedPerSecond: number;
  readonly #clock: Clock;
  #perSecond: number;
  #nextMs = -Infinity;
  #pausedUntilMs = -Infinity;

  /** @param requestsPerSecond what the provider allows */
  constructor(requestsPerSecond: number, clock: Clock = realClock) {
    this.#allowedPerSecond = requestsPerSecond;
    this.#perSecond = requestsPerSecond;
    this.#clock = clock;
  }

  /** Requests per second right now. */
  get perSecond(): number {
    return this.#perSecond;
  }

  /** Whether the provider asked to be left alone, and that is not over. */
  get isPaused(): boolean {
    return this.#pausedUntilMs > this.#clock.now();
  }

  /** Waits until a request may be sent. */
  async turn(): Promise<void> {
    const atMs = Math.max(this.#clock.now(), this.#nextMs);
    this.#nextMs = atMs + 1000 / this.#perSecond;
    for (let untilMs = atMs; ; untilMs = this.#pausedUntilMs) {
      const waitMs = untilMs - this.#clock.now();
      if (waitMs > 0) await this.#clock.sleep(waitMs);
      // The provider may have complained meanwhile.
      if (this.#pausedUntilMs <= this.#clock.now()) return;
    }
  }

  /** The provider said that it was too much. Nobody asks for so long. */
  slowDown(pauseMs: number): void {
    this.#perSecond = Math.max(SLOWEST_PER_SECOND, this.#perSecond * SLOW_DOWN);
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, this.#clock.now() + pauseMs);
    this.#nextMs = Math.max(this.#nextMs, this.#pausedUntilMs);
  }

  /** A request was answered. */
  worked(): void {
    this.#perSecond = Math.min(this.#allowedPerSecond, this.#perSecond * REGAIN);
  }
}
