/** A page of the engine, as it answered. */
export type EnginePage = { status: number; body: string };

/** So long the engine may take: whoever asks us wants an answer within a second. */
const TIMEOUT_MS = 700;
const LOOK_MS = 1_000;
const MOST_CHARACTERS = 20_000_000;

/**
 * The engine's own HTTP, seen from beside its thread. The engine answers nothing while it is at work
 * on something long; what is shown then is that, and since when.
 */
export class EngineView {
  readonly #url: string;
  readonly #startedMs = performance.now();
  #answeredMs: number | null = null;
  #timer: NodeJS.Timeout | null = null;

  /** @param url where the engine listens */
  constructor(url: string) {
    this.#url = url;
  }

  /** Looks whether the engine answers, once a second. */
  watch(): void {
    this.#timer ??= setInterval(() => void this.page("/health"), LOOK_MS);
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
  }

  /** Whether it has ever answered: before, it starts. */
  get hasStarted(): boolean {
    return this.#answeredMs !== null;
  }

  /** How long it has not answered; since the start, when it never did. */
  get silentForMs(): number {
    return performance.now() - (this.#answeredMs ?? this.#startedMs);
  }

  /** @returns null when the engine does not answer within 0.7 s */
  async page(path: string): Promise<EnginePage | null> {
    try {
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const response = await fetch(`${this.#url}${path}`, { signal });
      const body = await response.text();
      this.#answeredMs = performance.now();
      return { status: response.status, body: body.slice(0, MOST_CHARACTERS) };
    } catch {
      return null;
    }
  }
}
