import type { Hex } from "./escrow-event.ts";

/**
 * The id of a log: the same log in another block is another fact, so the block's hash is in it,
 * and two logs of one transaction differ by their index.
 */
export function eventId(chainId: number, blockHash: Hex, logIndex: number): string {
  return `${chainId}-${blockHash.toLowerCase()}-${logIndex}`;
}
