import { agreedFinal } from "../../source/agreed-final.ts";
import type { ChainSource } from "../../source/chain-source.ts";

/** The head is only shown. */
const HEAD_EVERY_MS = 5_000;
/** So often in a row nobody may know the tag until the chain counts as having none. */
const TIMES_WITHOUT_TAG = 3;
const ASK_AGAIN_MS = 600_000;
/** Endpoints that are so far apart differ by more than the moment at which they were asked. */
const BLOCKS_APART = 64;
/** What is high enough may have been one endpoint's word. */
const LOOK_AGAIN_MS = 60_000;

/** Head and final block of a chain, as its nodes have them. */
export class ChainTips {
  readonly #source: ChainSource;
  readonly #askEveryMs: number;
  readonly #agree: number;
  #head: number | null = null;
  #headAtMs = -Infinity;
  #finalized: number | null = null;
  #finalizedAtMs = -Infinity;
  #finalizedBy: { host: string; block: number }[] = [];
  #without = 0;

  /**
   * @param askEveryMs how often the tag is asked for at the most, in milliseconds
   * @param agree how many endpoints have to call a block final
   */
  constructor(source: ChainSource, askEveryMs: number, agree: number) {
    this.#source = source;
    this.#askEveryMs = askEveryMs;
    this.#agree = agree;
  }

  get head(): number | null {
    return this.#head;
  }

  /** The last block that enough endpoints called final; null while they called none. */
  get finalized(): number | null {
    return this.#finalized;
  }

  /** What each endpoint called final when they were asked last, the highest first. */
  get finalizedBy(): readonly { host: string; block: number }[] {
    return this.#finalizedBy;
  }

  /**
   * Why the tag holds back what the engine calls final, where endpoints are far apart; else null.
   *
   * @param final the last block that the engine calls final
   */
  heldReason(final: number): string | null {
    const [highest] = this.#finalizedBy;
    const finalized = this.#finalized ?? 0;
    const apart = (highest?.block ?? 0) - finalized;
    if (finalized >= final || apart < BLOCKS_APART) return null;
    const each = this.#finalizedBy.map(({ host, block }) => `${host} ${block}`);
    return `endpoints differ in which block is final: ${each.join(", ")}; what enough of them call so is waited for`;
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
    const hasNone = !isTagKnown && this.#without >= TIMES_WITHOUT_TAG;
    const isEnough = this.#finalized !== null && this.#finalized >= wanted;
    const sinceMs = performance.now() - this.#finalizedAtMs;
    const everyMs = hasNone ? ASK_AGAIN_MS : isEnough ? LOOK_AGAIN_MS : this.#askEveryMs;
    if (sinceMs >= everyMs) await this.#ask();
    if (this.#finalized !== null) return this.#finalized;
    return !isTagKnown && this.#without >= TIMES_WITHOUT_TAG ? Infinity : null;
  }

  async #ask(): Promise<void> {
    this.#finalizedAtMs = performance.now();
    const answers = await this.#source.finalizedOfEach();
    if (answers.length === 0) this.#without += 1;
    const block = agreedFinal(answers, this.#agree);
    if (answers.length > 0)
      this.#finalizedBy = answers.map((each) => ({
        ...{ host: each.host, block: Number(each.block.number) },
      }));
    // Lower than before, it gives up what too few had said.
    if (block !== null) this.#finalized = Number(block.number);
  }
}
