import type { RawBlock } from "./raw-block.ts";

/** An endpoint's word for the chain's final block. */
export type FinalizedOf = { host: string; block: RawBlock };

/**
 * The last block that enough endpoints call final: more than half of those that answer, and as many
 * as have to agree. Of three, one that runs ahead and one that stands still are outvoted; of two, the
 * one that is behind counts.
 *
 * @param answers the highest first
 * @param agree how many have to agree
 * @returns null when not so many answer
 */
export function agreedFinal(answers: readonly FinalizedOf[], agree = 1): RawBlock | null {
  const needed = Math.max(Math.floor(answers.length / 2) + 1, agree);
  return answers[needed - 1]?.block ?? null;
}
