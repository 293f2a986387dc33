const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
/** One Ctrl-C under `npm start` comes twice: from the terminal, and passed on by npm. */
const ECHO_MS = 500;

/**
 * Ctrl-C, a `kill`, the terminal that is closed, or a reader of our output that is gone: the first asks to stop in good order, the next
 * Ctrl-C asks to stop by force.
 */
export class StopRequest {
  readonly #stop = new AbortController();
  readonly #onStop: () => void;
  readonly #onForce: () => void;
  readonly #onSignal = (signal: NodeJS.Signals): void => {
    const isEcho = performance.now() - this.#askedMs < ECHO_MS;
    if (!this.signal.aborted) this.#ask();
    else if (signal === "SIGINT" && !isEcho && !this.#isForced) {
      this.#isForced = true;
      this.#onForce();
    }
  };
  readonly #onLostOutput = (): void => {
    if (!this.signal.aborted) this.#ask();
  };
  #askedMs = Number.NEGATIVE_INFINITY;
  #isForced = false;

  /** Listens until `close`. */
  constructor(onStop: () => void, onForce: () => void) {
    this.#onStop = onStop;
    this.#onForce = onForce;
    for (const signal of SIGNALS) process.on(signal, this.#onSignal);
    process.stdout.on("error", this.#onLostOutput);
  }

  /** Aborted by the first request. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Resolves at the first request. */
  get requested(): Promise<void> {
    if (this.signal.aborted) return Promise.resolve();
    return new Promise((resolve) =>
      this.signal.addEventListener("abort", () => resolve(), { once: true }),
    );
  }

  /** Has everything end that runs until it is stopped, without a request; only force is left. */
  end(): void {
    this.#stop.abort();
  }

  close(): void {
    for (const signal of SIGNALS) process.off(signal, this.#onSignal);
    process.stdout.off("error", this.#onLostOutput);
  }

  #ask(): void {
    this.#askedMs = performance.now();
    this.#onStop();
    this.#stop.abort();
  }
}
