import { type Address, type Hex, numberToHex } from "viem";
import { connectToChain } from "./chain-client.ts";

/** A call to put into one of the new blocks; `inBlock` counts from 0, the oldest replaced one. */
export type ReorgTransaction = {
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
 * Replaces the newest blocks by others of the same number, and says which heights changed.
 *
 * A marker transfer goes into the first new block: two empty blocks of the same second would have
 * the same hash, and a reorg that changes nothing is none.
 *
 * @throws When anvil refuses, or when a hash did not change.
 */
export async function reorgChain(
  options: ReorgOptions,
): Promise<{ firstBlock: number; lastBlock: number }> {
  const client = connectToChain(options.rpcUrl);
  const lastBlock = await client.getBlockNumber();
  const firstBlock = lastBlock - BigInt(options.depth) + 1n;
  const before = await client.getBlock({ blockNumber: firstBlock });
  const marker = (await client.getAddresses()).at(-1);
  if (marker === undefined) throw new Error("anvil has no unlocked account");

  const planned = (options.transactions ?? []).map(
    ({ inBlock = 0, value = 0n, ...rest }) =>
      [{ ...rest, value: numberToHex(value), gas: "0x2dc6c0" }, inBlock] as const,
  );
  const markerTransfer = [{ from: marker, to: marker, value: "0x1", gas: "0x5208" }, 0] as const;
  await client.request({
    method: "anvil_reorg",
    params: [options.depth, [markerTransfer, ...planned]],
  });

  const after = await client.getBlock({ blockNumber: firstBlock });
  if (after.hash === before.hash) {
    throw new Error(`Block ${firstBlock} is still ${before.hash} after a reorg`);
  }
  return { firstBlock: Number(firstBlock), lastBlock: Number(lastBlock) };
}
