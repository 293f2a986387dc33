import type { ChainSource } from "../../source/chain-source.ts";

/** The head is only shown. */
const HEAD_EVERY_MS = 5_000;
/** So often in a row nobody may know the tag until the chain counts as having none. */
const TIMES_WITHOUT_TAG = 3;
const ASK_AGAIN_MS = 600_000;

/** Head and final block of a chain, as its nodes have them. */
export class ChainTips {
  readonly #source: ChainSource;
  readonly #askEveryMs: number;
  #head: number | null = null;
  #headAtMs = -Infinity;
  #finalized: number | null = null;
  #finalizedAtMs = -Infinity;
  #without = 0;

  /** @param askEveryMs how often the tag is asked for at the most, in milliseconds */
  constructor(source: ChainSource, askEveryMs: number) {
    this.#source = source;
    this.#askEveryMs = askEveryMs;
  }

  get head(): number | null {
    return this.#head;
  }

  /** The newest block that the tag `finalized` named; null while it named none. */
  get finalized(): number | null {
    return this.#finalized;
  }

  /** Asks for the head in the background, now and then: nobody waits for it. */
  lookAtHead(): void {
    if (performance.now() - this.#headAtMs < HEAD_EVERY_MS) return;
    this.#headAtMs = performance.now();
    this.#source.head().then(
      ({ number }) => {
        this.#head = Number(number);
      },
      // The endpoints' health says so.
      () => undefined,
    );
  }

  /**
   * The last block that the chain calls final.
   *
   * @param wanted higher ones make no difference
   * @param isTagKnown whether nodes of this chain were ever seen to know the tag
   * @returns null while that is not known; infinity where nodes know no such tag
   */
  async finalBlock(wanted: number, isTagKnown: boolean): Promise<number | null> {
    if (this.#finalized !== null && this.#finalized >= wanted) return this.#finalized;
    const hasNone = !isTagKnown && this.#without >= TIMES_WITHOUT_TAG;
    const sinceMs = performance.now() - this.#finalizedAtMs;
    if (sinceMs >= (hasNone ? ASK_AGAIN_MS : this.#askEveryMs)) {
      this.#finalizedAtMs = performance.now();
      const block = await this.#source.finalized();
      if (block === null) this.#without += 1;
      else this.#finalized = Math.max(this.#finalized ?? 0, Number(block.number));
    }
    if (this.#finalized !== null) return this.#finalized;
    return !isTagKnown && this.#without >= TIMES_WITHOUT_TAG ? Infinity : null;
  }
}
