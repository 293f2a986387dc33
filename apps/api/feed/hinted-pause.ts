import type { CaptureHint } from "./capture-hint.ts";

/** Two looks are never closer than this, in milliseconds. */
const CLOSEST_MS = 10;

/**
 * The pause between two looks for something new: so long, or shorter when a hint comes. Many hints
 * are one. Each that led to nothing doubles how long the next one has to wait, so that a flood of
 * them, forged or not, causes hardly more looks than the clock does.
 */
export class HintedPause {
  readonly #pollMs: number;
  readonly #off: () => void;
  #closestMs = CLOSEST_MS;
  #isHinted = false;
  #wake: () => void = () => undefined;

  constructor(hint: Pick<CaptureHint, "on">, pollMs: number) {
    this.#pollMs = pollMs;
    // One that comes while somebody looks is for the next look.
    this.#off = hint.on(() => {
      this.#isHinted = true;
      this.#wake();
    });
  }

  /** @param found whether the look before found something */
  async wait(found: boolean, signal: AbortSignal): Promise<void> {
    if (found) this.#closestMs = CLOSEST_MS;
    if (!this.#isHinted) await this.#pause(this.#pollMs, signal, { endsWithHint: true });
    if (!this.#isHinted) return;
    await this.#pause(this.#closestMs, signal, { endsWithHint: false });
    this.#isHinted = false;
    // Until a look finds something again.
    this.#closestMs = Math.min(2 * this.#closestMs, this.#pollMs);
  }

  close(): void {
    this.#off();
  }

  async #pause(
    ms: number,
    signal: AbortSignal,
    { endsWithHint }: { endsWithHint: boolean },
  ): Promise<void> {
    if (signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    const end = (): void => resolve();
    signal.addEventListener("abort", end);
    if (endsWithHint) this.#wake = end;
    await promise;
    this.#wake = () => undefined;
    signal.removeEventListener("abort", end);
    clearTimeout(timer);
  }
}
