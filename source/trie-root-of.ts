import { setImmediate } from "node:timers/promises";
import { MerklePatriciaTrie } from "@ethereumjs/mpt";
import { hexToBytes, toHex, toRlp } from "viem";
import type { Hex } from "../src/events/escrow-event.ts";
import { rlpInteger } from "./rlp-integer.ts";

/** The root of a trie without anything in it: a block without transactions. */
export const EMPTY_ROOT = "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421";

/** So many values are put into the trie before others get a turn: about 10 ms. */
const PER_TURN = 32;

/**
 * The root of the trie that has each value under the RLP of its index: that of a block's receipts or
 * transactions (Ethereum yellow paper, 4.3.2 and appendix D).
 *
 * @param values in the order of the block's transactions
 */
export async function trieRootOf(values: readonly Hex[]): Promise<Hex> {
  if (values.length === 0) return EMPTY_ROOT;
  const trie = new MerklePatriciaTrie();
  for (const [index, value] of values.entries()) {
    // The trie's own awaits let no I/O in: other chains would wait for this block.
    if (index % PER_TURN === PER_TURN - 1) await setImmediate();
    await trie.put(hexToBytes(toRlp(rlpInteger(toHex(index)))), hexToBytes(value));
  }
  return toHex(trie.root());
}
