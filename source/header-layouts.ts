import type { CheckedBlock } from "./raw-block.ts";

/**
 * What is known of a block's header before it is read: that its layout is a `known` one, that it is
 * not (`unknown`), or neither, as no block was read yet (`new`).
 */
export type HeaderLayout = "known" | "unknown" | "new";

/**
 * Which blocks of a chain have a header whose hash can be made here. Layouts change with a fork, for
 * good: what lies between two blocks of known layout has it too, and so what is believed without
 * proof lies behind the newest of them (a fork that is not known here), or before the oldest (the
 * chain was another kind of chain then).
 */
export class HeaderLayouts {
  #proven = { oldest: Infinity, newest: -Infinity };
  #unproven = { oldest: Infinity, newest: -Infinity };

  saw({ block, isProven }: CheckedBlock): void {
    const seen = isProven ? this.#proven : this.#unproven;
    seen.oldest = Math.min(seen.oldest, Number(block.number));
    seen.newest = Math.max(seen.newest, Number(block.number));
  }

  of(number: number): HeaderLayout {
    const isLater = number > this.#proven.newest && number >= this.#unproven.oldest;
    const isEarlier = number < this.#proven.oldest && number <= this.#unproven.newest;
    if (isLater || isEarlier) return "unknown";
    return this.#proven.oldest === Infinity ? "new" : "known";
  }
}
