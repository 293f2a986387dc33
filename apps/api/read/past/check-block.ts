import { Problem } from "../../problem.ts";
import { chainOf } from "../chain-of.ts";
import type { Progress } from "../progress.ts";

/** The block that an answer is of, and whether a reorg may still revert it. */
export type AsOf = { block: number; is_final: boolean };

/**
 * Makes sure that a chain is indexed up to a block.
 *
 * @throws Problem: 400 for a block above the indexed head, which it names; 404 for a chain that is
 *   not followed
 */
export function checkBlock(progress: Progress, chainId: number, block: number): AsOf {
  const { indexed, final } = chainOf(progress, chainId);
  if (block > indexed.block)
    throw new Problem(
      "ES-REQUEST-BAD",
      `block ${block} of chain ${chainId} is not indexed: the indexed head is block ${indexed.block}`,
      { parameter: "as_of_block" },
    );
  return { block, is_final: block <= final.block };
}
