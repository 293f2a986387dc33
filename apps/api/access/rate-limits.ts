import { RateLimiterMemory, type RateLimiterRes } from "rate-limiter-flexible";
import { Problem } from "../problem.ts";

const SECONDS = 60;

/** So many requests a minute, of each key and of each address, counted by this instance. */
export class RateLimits {
  readonly #limiter: RateLimiterMemory;
  readonly #perMinute: number;

  constructor(perMinute: number) {
    this.#perMinute = perMinute;
    this.#limiter = new RateLimiterMemory({ points: perMinute, duration: SECONDS });
  }

  /**
   * Counts a request.
   *
   * @returns the headers that say how many are left
   * @throws Problem ES-RATE-LIMITED
   */
  async count(who: string): Promise<Record<string, string>> {
    try {
      return this.#headers(await this.#limiter.consume(who));
    } catch (refused) {
      if (refused instanceof Error) throw refused;
      const headers = this.#headers(refused as RateLimiterRes);
      throw new Problem("ES-RATE-LIMITED", `more than ${this.#perMinute} requests in a minute`, {
        headers,
        retryAfterSeconds: Number(headers["ratelimit-reset"]),
      });
    }
  }

  #headers({ remainingPoints, msBeforeNext }: RateLimiterRes): Record<string, string> {
    return {
      "ratelimit-limit": String(this.#perMinute),
      "ratelimit-remaining": String(Math.max(0, remainingPoints)),
      "ratelimit-reset": String(Math.max(1, Math.ceil(msBeforeNext / 1_000))),
    };
  }
}
