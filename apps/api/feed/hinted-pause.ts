import { setTimeout } from "node:timers/promises";
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

  constructor(hint: CaptureHint, pollMs: number) {
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
    if (!this.#isHinted) await this.#untilHintOr(this.#pollMs, signal);
    if (!this.#isHinted) return;
    await this.#pause(this.#closestMs, signal);
    this.#isHinted = false;
    // Taken back by a look that finds something.
    this.#closestMs = Math.min(2 * this.#closestMs, this.#pollMs);
  }

  close(): void {
    this.#off();
  }

  async #untilHintOr(ms: number, signal: AbortSignal): Promise<void> {
    const hinted = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    const stop = new AbortController();
    await Promise.race([hinted, this.#pause(ms, AbortSignal.any([signal, stop.signal]))]);
    stop.abort();
  }

  #pause(ms: number, signal: AbortSignal): Promise<void> {
    return setTimeout(ms, undefined, { signal }).catch(() => undefined);
  }
}
