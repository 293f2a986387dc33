import { randomInt } from "node:crypto";
import { type Address, type Hex, numberToHex } from "viem";
import { type ChainClient, connectToChain } from "./chain-client.ts";
import { pauseMining } from "./pause-mining.ts";

const MOST_VALUE = 2 ** 40;

/** A call to put into one of the new blocks; `inBlock` counts from 0, the oldest replaced one. */
type ReorgTransaction = {
  from: Address;
  to: Address;
  data?: Hex;
  value?: bigint;
  inBlock?: number;
};

export type ReorgOptions = {
  rpcUrl: string;
  /** How many of the newest blocks are replaced. At most anvil's `keepStates`. */
  depth: number;
  /** What happens in the new blocks instead. Nothing of the old blocks comes back by itself. */
  transactions?: readonly ReorgTransaction[];
};

/**
 * Replaces the newest blocks by others of the same number. Mining pauses meanwhile: anvil can lose
 * blocks that are mined during a reorg.
 *
 * A marker transfer of some wei goes into the first new block: two empty blocks of the same second
 * would have the same hash, and so would those of two reorgs of the same height. A reorg that changes
 * nothing is none.
 *
 * @returns The first and the last height that has another block now.
 * @throws When anvil refuses, or when the hash did not change.
 */
export async function reorgChain(
  options: ReorgOptions,
): Promise<{ firstBlock: number; lastBlock: number }> {
  const client = connectToChain(options.rpcUrl);
  const resumeMining = await pauseMining(client);
  try {
    const lastBlock = await client.getBlockNumber();
    const firstBlock = lastBlock - BigInt(options.depth) + 1n;
    const before = await client.getBlock({ blockNumber: firstBlock });
    await replaceBlocks(client, options);
    const after = await client.getBlock({ blockNumber: firstBlock });
    if (after.hash === before.hash) {
      throw new Error(`Block ${firstBlock} is still ${before.hash} after a reorg`);
    }
    return { firstBlock: Number(firstBlock), lastBlock: Number(lastBlock) };
  } finally {
    await resumeMining();
  }
}

async function replaceBlocks(client: ChainClient, options: ReorgOptions): Promise<void> {
  const marker = (await client.getAddresses()).at(-1);
  if (marker === undefined) throw new Error("anvil has no unlocked account");
  const value = numberToHex(randomInt(MOST_VALUE));
  const markerTransfer = [{ from: marker, to: marker, value, gas: "0x5208" }, 0] as const;
  const planned = (options.transactions ?? []).map(
    ({ inBlock = 0, value = 0n, ...rest }) =>
      [{ ...rest, value: numberToHex(value), gas: "0x2dc6c0" }, inBlock] as const,
  );
  await client.request({
    method: "anvil_reorg",
    params: [options.depth, [markerTransfer, ...planned]],
  });
}
