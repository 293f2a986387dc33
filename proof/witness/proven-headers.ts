import type { ChainSource } from "../../source/chain-source.ts";
import { inParallel } from "../../source/in-parallel.ts";
import type { RawBlock } from "../../source/raw-block.ts";
import type { Hex } from "../../src/events/escrow-event.ts";

/** What would prove a block is not to be had, from any endpoint. */
export class Unprovable extends Error {
  override name = "Unprovable";
}

/** No known layout makes the hash of a header, and every endpoint gives it: nothing can be proven. */
export class UnknownLayout extends Unprovable {
  override name = "UnknownLayout";

  constructor(chainId: number, block: number) {
    super(
      `chain ${chainId}: no known header layout makes the hash of block ${block}, and every endpoint gives that block`,
    );
  }
}

/** The chain that ends with a block does not have what is proven already in front of it. */
export class OtherBranch extends Error {
  override name = "OtherBranch";

  constructor(chainId: number, block: number, parentHash: Hex, found: Hex) {
    super(
      `chain ${chainId}: block ${block + 1} names ${found} as its parent, and block ${block} is proven to be ${parentHash}`,
    );
  }
}

export type HeaderRange = {
  source: ChainSource;
  from: number;
  to: number;
  /** Of the block before the range; null when nothing is known of it. */
  parentHash: Hex | null;
  /** Of the last block. */
  lastHash: Hex;
  /** Requests under way at the same time. */
  atOnce: number;
};

/**
 * Headers of a range, without their transactions, from its last block down: each one's hash is made
 * of its fields, and named as the parent by the one behind it. Whoever gives another block of some
 * height is left behind by asking for the right one by its hash, which nobody can make up.
 *
 * @throws UnknownLayout, OtherBranch, or RpcProblem when nobody gives the blocks
 */
export async function provenHeaders(range: HeaderRange): Promise<RawBlock[]> {
  const { source, from, to, parentHash, lastHash, atOnce } = range;
  const byHash = async (hash: Hex): Promise<RawBlock> => {
    const { block, isProven } = await source.block({ hash });
    if (!isProven) throw new UnknownLayout(source.chainId, Number(block.number));
    return withoutBody(block);
  };
  const numbers = Array.from({ length: to - from }, (_, at) => from + at);
  const [last, before] = await Promise.all([
    byHash(lastHash),
    inParallel(numbers, atOnce, async (number) => {
      const { block, isProven } = await source.block({ number });
      return isProven ? withoutBody(block) : null;
    }),
  ]);
  const headers = [...before, last];
  let wanted: Hex = last.parentHash;
  for (let at = before.length - 1; at >= 0; at--) {
    const given = before[at] ?? null;
    const header = given !== null && isSame(given.hash, wanted) ? given : await byHash(wanted);
    headers[at] = header;
    wanted = header.parentHash;
  }
  if (parentHash !== null && !isSame(parentHash, wanted))
    throw new OtherBranch(source.chainId, from - 1, parentHash, wanted);
  return headers as RawBlock[];
}

/** A header is some 2 KB; a block's list of transactions may be many times that. */
function withoutBody(block: RawBlock): RawBlock {
  const { transactions: _t, withdrawals: _w, uncles: _u, ...header } = block;
  return header as RawBlock;
}

function isSame(one: Hex, other: Hex): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
