import { http, type Transport, webSocket } from "viem";
import { EndpointAbilities, type EndpointLimits } from "./endpoint-abilities.ts";
import { EndpointHealth } from "./endpoint-health.ts";
import { fetchWithin } from "./http-refusal.ts";
import { type Clock, RequestPace, realClock } from "./request-pace.ts";
import { RpcProblem, rpcProblemOf } from "./rpc-problem.ts";

export type RpcSettings = EndpointLimits & {
  url: string;
  requestsPerSecond: number;
  timeoutMs: number;
  /** Told when an endpoint makes us wait. */
  say?: (text: string) => void;
  clock?: Clock;
};

/** What a question is about, in words, and how to make sense of the answer. */
export type Question<T> = {
  what: string;
  /** @throws RpcProblem when the answer cannot be used, or cannot be true */
  parse: (answer: unknown) => T | Promise<T>;
  /** Who cannot answer this is no worse for it. */
  isSurvey?: boolean;
};

/** Of the health of whoever answered so. */
const SAYS_NOTHING: ReadonlySet<string> = new Set([
  ...["too-large", "too-many-addresses", "needs-address", "unproven", "no-state"],
]);
const LONGEST_RETRY_AFTER_MS = 300_000;
const SAY_FROM_MS = 5_000;

/** One RPC endpoint, asked at its provider's pace, again and again when something passes. */
export class RpcEndpoint {
  readonly host: string;
  readonly health: EndpointHealth;
  readonly abilities: EndpointAbilities;
  readonly #url: string;
  readonly #pace: RequestPace;
  readonly #clock: Clock;
  readonly #request: ReturnType<Transport>["request"];
  readonly #say: (text: string) => void;
  #requests = 0;

  constructor(settings: RpcSettings) {
    const { url, requestsPerSecond, timeoutMs, say, clock = realClock } = settings;
    const options = { timeout: timeoutMs, retryCount: 0 };
    const transport = url.startsWith("ws")
      ? webSocket(url, options)
      : http(url, { ...options, fetchFn: fetchWithin(timeoutMs) });
    this.host = new URL(url).host;
    this.health = new EndpointHealth(this.host, clock);
    this.abilities = new EndpointAbilities(settings, clock);
    this.#url = url;
    this.#clock = clock;
    this.#pace = new RequestPace(requestsPerSecond, clock);
    this.#request = transport({}).request;
    this.#say = say ?? (() => undefined);
  }

  /** Requests sent so far, those that failed included. */
  get requests(): number {
    return this.#requests;
  }

  /** Whether it may be asked now, without waiting for long. */
  get isUsable(): boolean {
    return this.health.isUsable && !this.#pace.isPaused;
  }

  /**
   * Asks once, when it is this request's turn.
   *
   * @throws RpcProblem whatever went wrong
   */
  async askOnce<T>(method: string, params: unknown[], question: Question<T>): Promise<T> {
    await this.#pace.turn();
    const startedMs = this.#clock.now();
    try {
      this.#requests += 1;
      const parsed = await question.parse(await this.#request({ method, params } as never));
      this.#pace.worked();
      this.health.worked();
      return parsed;
    } catch (error) {
      const problem = this.#problemOf(error, `${method} ${question.what}`.trim());
      if (!SAYS_NOTHING.has(problem.kind) && !question.isSurvey)
        this.health.failed(problem.message, problem.kind === "lie");
      if (problem.kind === "rate-limited") this.#slowDown(problem);
      throw problem;
    } finally {
      this.health.took(this.#clock.now() - startedMs);
    }
  }

  #slowDown({ retryAfterMs, message }: RpcProblem): void {
    const waitMs = Math.min(LONGEST_RETRY_AFTER_MS, retryAfterMs ?? 0);
    if (waitMs >= SAY_FROM_MS)
      this.#say(`${message}; asking again in ${Math.round(waitMs / 1000)} s`);
    this.#pace.slowDown(waitMs);
  }

  #problemOf(error: unknown, what: string): RpcProblem {
    if (error instanceof RpcProblem)
      return new RpcProblem(error.kind, `${this.host}, ${what}: ${error.message}`, error);
    return rpcProblemOf(error, what, this.#url);
  }
}
