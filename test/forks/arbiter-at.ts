import type { Hex } from "../../src/events/escrow-event.ts";
import type { Block } from "./simulated-chain.ts";

/** Who is an escrow's arbiter at the end of a block, the zero address for none; null without escrow. */
export function arbiterAt(block: Block, escrow: string): Hex | null {
  for (let at: Block | null = block; at !== null; at = at.parent) {
    const last = at.transactions.findLast((each) => each.escrow === escrow.toLowerCase());
    if (last?.arbiter !== undefined) return last.arbiter;
  }
  return null;
}
