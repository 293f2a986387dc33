import type { BlockEvidence } from "@escrow-stream/relay";
import type { ChainSource } from "./chain-source.ts";
import { type Clock, realClock } from "./request-pace.ts";

/** Long enough that a load balancer's next node is asked, short enough for a retraction. */
const SECOND_LOOK_MS = 400;

/**
 * Evidence of replaced blocks from every endpoint of the chains. A block counts as replaced when, in
 * two looks at different times, at least one endpoint proves another block at that height (the number
 * is the one asked for, the header makes its hash) and none still has the old one.
 */
export function chainEvidence(
  sources: readonly ChainSource[],
  clock: Clock = realClock,
): BlockEvidence {
  const isElsewhere = async (source: ChainSource, number: number, hash: string) => {
    const blocks = await source.blocksAt(number);
    const others = blocks.filter(({ block }) => block.hash.toLowerCase() !== hash.toLowerCase());
    const isKnownLayout = source.status.unprovenHeaders === 0;
    const proven = others.filter(({ isProven }) => isProven || !isKnownLayout);
    return proven.length > 0 && others.length === blocks.length;
  };
  return {
    async isReplaced(chainId, blockNumber, blockHash) {
      const source = sources.find((each) => each.chainId === chainId);
      if (source === undefined) return false;
      if (!(await isElsewhere(source, blockNumber, blockHash))) return false;
      await clock.sleep(SECOND_LOOK_MS);
      return await isElsewhere(source, blockNumber, blockHash);
    },
  };
}
