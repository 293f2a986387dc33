import type { BlockEvidence } from "@escrow-stream/relay";
import type { ChainSource } from "./chain-source.ts";
import { type Clock, realClock } from "./request-pace.ts";

/** Long enough that a load balancer's next node is asked, short enough for a retraction. */
const SECOND_LOOK_MS = 400;
/** For so long the only endpoint of several that says anything has to keep to its word. */
const LONE_WORD_MS = 20_000;
const LONE_LOOK_MS = 2_000;

/** How many endpoints prove what is asked for, while none speaks against it; 0 when one does. */
type Look = () => Promise<number>;

/**
 * Evidence from every endpoint of the chains. A block counts as replaced when, in two looks at
 * different times, endpoints prove another block at that height (the number is the one asked for,
 * the header makes its hash) and none still has the old one; as canonical when endpoints prove it and
 * none proves another. Where several endpoints are configured two have to say so, or one for long
 * while the others do not answer. Whoever speaks against it is outvoted by two, and by more than speak
 * against it: a node that is stuck on an old branch would hold everybody up.
 */
export function chainEvidence(
  sources: readonly ChainSource[],
  clock: Clock = realClock,
): BlockEvidence {
  const holds = async (source: ChainSource, look: Look): Promise<boolean> => {
    const needed = Math.min(2, source.status.endpoints.length);
    const first = await look();
    if (first === 0) return false;
    await clock.sleep(SECOND_LOOK_MS);
    const fewest = Math.min(first, await look());
    if (fewest === 0 || fewest >= needed) return fewest > 0;
    for (let waitedMs = 0; waitedMs < LONE_WORD_MS; waitedMs += LONE_LOOK_MS) {
      await clock.sleep(LONE_LOOK_MS);
      if ((await look()) === 0) return false;
    }
    return true;
  };
  const sourceOf = (chainId: number) => sources.find((each) => each.chainId === chainId);
  return {
    async isReplaced(chainId, number, hash) {
      const source = sourceOf(chainId);
      if (source === undefined) return false;
      return await holds(source, async () => {
        const { same, others } = await lookAt(source, number, hash);
        return unlessOutvoted(others.filter(({ isBelieved }) => isBelieved).length, same.length);
      });
    },
    async isCanonical(chainId, number, hash) {
      const source = sourceOf(chainId);
      if (source === undefined) return false;
      return await holds(source, async () => {
        const { same, others } = await lookAt(source, number, hash);
        const disputing = others.filter(({ isBelieved }) => isBelieved).length;
        return unlessOutvoted(same.filter(({ isBelieved }) => isBelieved).length, disputing);
      });
    },
  };
}

/** What each endpoint that answers has at a height: that block, or another one. */
async function lookAt(source: ChainSource, number: number, hash: string) {
  const blocks = await source.blocksAt(number);
  const isKnownLayout = source.status.unprovenHeaders === 0;
  const seen = blocks.map(({ block, isProven }) => ({
    isSame: block.hash.toLowerCase() === hash.toLowerCase(),
    isBelieved: isProven || !isKnownLayout,
  }));
  return {
    same: seen.filter(({ isSame }) => isSame),
    others: seen.filter(({ isSame }) => !isSame),
  };
}

/** So many, or 0 when as many speak against it, or one does and only one for it. */
function unlessOutvoted(speakingFor: number, against: number): number {
  return against === 0 || (speakingFor >= 2 && speakingFor > against) ? speakingFor : 0;
}
