import { type Clock, realClock } from "./request-pace.ts";

/** After so many failures in a row an endpoint is left alone for a while. */
const FAILURES_TO_OPEN = 5;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
/** Blocks behind the others that make an endpoint lag, and how long that counts. */
const LAG_BLOCKS = 3;
const LAG_COUNTS_MS = 60_000;
/** How much of the score one answer decides. */
const WEIGHT = 0.05;

/** What `/status` and the metrics say of an endpoint. */
export type EndpointStatus = {
  host: string;
  /** `closed`: asked. `open`: left alone. `half-open`: one request tries it. `out`: never asked again. */
  breaker: "closed" | "open" | "half-open" | "out";
  /** 0 to 1: the share of its last answers that could be used, the newest counting most. */
  score: number;
  requests: number;
  failures: number;
  /** Answers that were proven wrong. */
  lies: number;
  lastProblem: string | null;
  /** The highest block that it named as its head. */
  head: number | null;
  /** Blocks that it was behind the others when all were last looked at. */
  lag: number | null;
  /** Seconds that its answers took, all together. */
  seconds: number;
};

/**
 * The circuit breaker of one endpoint:
 *
 *   closed ──5 failures in a row──► open ──pause is over──► half-open ──answer──► closed
 *                                     ▲                         └──failure──► open, twice as long
 *   any ──wrong chain id──► out
 *
 * A lie counts as a failure: it costs a request and brings nothing.
 */
export class EndpointHealth {
  readonly #host: string;
  readonly #clock: Clock;
  #score = 1;
  #inARow = 0;
  #pauseMs = FIRST_PAUSE_MS;
  #openUntilMs = -Infinity;
  #isOpen = false;
  #isOut = false;
  #requests = 0;
  #failures = 0;
  #lies = 0;
  #lastProblem: string | null = null;
  #head: number | null = null;
  #lag: number | null = null;
  #lagSeenMs = -Infinity;
  #seconds = 0;

  constructor(host: string, clock: Clock = realClock) {
    this.#host = host;
    this.#clock = clock;
  }

  /** Whether it may be asked now. */
  get isUsable(): boolean {
    return !this.#isOut && (!this.#isOpen || this.#clock.now() >= this.#openUntilMs);
  }

  get isOut(): boolean {
    return this.#isOut;
  }

  get score(): number {
    return this.#score;
  }

  get head(): number | null {
    return this.#head;
  }

  /** Whether it is asked last: what is new, it does not know yet. */
  get isLagging(): boolean {
    const isRecent = this.#clock.now() - this.#lagSeenMs < LAG_COUNTS_MS;
    return isRecent && (this.#lag ?? 0) >= LAG_BLOCKS;
  }

  worked(): void {
    this.#requests += 1;
    this.#score += WEIGHT * (1 - this.#score);
    this.#inARow = 0;
    this.#isOpen = false;
    this.#pauseMs = FIRST_PAUSE_MS;
  }

  failed(problem: string, isLie: boolean): void {
    this.#requests += 1;
    this.#failures += 1;
    if (isLie) this.#lies += 1;
    this.#lastProblem = problem;
    this.#score -= WEIGHT * this.#score;
    this.#inARow += 1;
    if (!this.#isOpen && this.#inARow < FAILURES_TO_OPEN) return;
    if (this.#isOpen) this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2);
    this.#isOpen = true;
    this.#openUntilMs = this.#clock.now() + this.#pauseMs;
  }

  /** It is of another chain: nothing that it says can be about ours. */
  takeOut(why: string): void {
    this.#isOut = true;
    this.#lastProblem = why;
  }

  sawHead(block: number): void {
    this.#head = Math.max(this.#head ?? 0, block);
  }

  /** So many blocks behind the others, at one moment. */
  sawLag(blocks: number): void {
    this.#lag = blocks;
    this.#lagSeenMs = this.#clock.now();
  }

  /** An answer, or that there was none, took so long. */
  took(ms: number): void {
    this.#seconds += ms / 1000;
  }

  get status(): EndpointStatus {
    const breaker = this.#isOut
      ? "out"
      : !this.#isOpen
        ? "closed"
        : this.#clock.now() < this.#openUntilMs
          ? "open"
          : "half-open";
    return {
      host: this.#host,
      breaker,
      score: Math.round(this.#score * 1000) / 1000,
      requests: this.#requests,
      failures: this.#failures,
      lies: this.#lies,
      lastProblem: this.#lastProblem,
      head: this.#head,
      lag: this.#lag,
      seconds: Math.round(this.#seconds * 1000) / 1000,
    };
  }
}
