import { RLP } from "@ethereumjs/rlp";
import type { Hex } from "../src/events/escrow-event.ts";
import { keccak, keccakHex } from "./keccak.ts";
import { bytesOf } from "./rlp.ts";

type Item = Uint8Array | Item[];
type Pair = { nibbles: readonly number[]; value: Uint8Array };

const NOTHING = new Uint8Array();

/** The root of a trie without anything in it: a block without transactions. */
export const EMPTY_ROOT = "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421";

/**
 * The root of the Merkle Patricia trie that has each value under the RLP of its index: that of a
 * block's receipts or transactions (Ethereum yellow paper, 4.3.2 and appendix D). All values are
 * known, so each node is made once; a trie that takes one after another, as libraries have it, makes
 * the nodes above a value again with each.
 *
 * @param values in the order of the block's transactions
 */
export function trieRootOf(values: readonly Hex[]): Hex {
  if (values.length === 0) return EMPTY_ROOT;
  const pairs = values.map((value, index) => ({
    nibbles: nibblesOf(RLP.encode(index)),
    value: bytesOf(value),
  }));
  return keccakHex(RLP.encode(node(pairs, 0)));
}

function node(pairs: readonly Pair[], depth: number): Item {
  const [first] = pairs;
  if (first === undefined) return NOTHING;
  if (pairs.length === 1) return [compact(first.nibbles.slice(depth), true), first.value];
  const shared = sharedLength(pairs, first.nibbles, depth);
  if (shared > 0)
    return [
      compact(first.nibbles.slice(depth, depth + shared), false),
      reference(node(pairs, depth + shared)),
    ];
  const below = Array.from({ length: 16 }, (): Pair[] => []);
  let here: Uint8Array = NOTHING;
  for (const pair of pairs) {
    const nibble = pair.nibbles[depth];
    if (nibble === undefined) here = pair.value;
    else below[nibble]?.push(pair);
  }
  return [...below.map((each) => reference(node(each, depth + 1))), here];
}

/** A node of less than 32 bytes stands in its parent itself. */
function reference(item: Item): Item {
  if (item === NOTHING) return item;
  const encoded = RLP.encode(item);
  return encoded.length < 32 ? item : keccak(encoded);
}

/** Nibbles as bytes, with what they are in front (yellow paper, appendix C). */
function compact(nibbles: readonly number[], isLeaf: boolean): Uint8Array {
  const flag = isLeaf ? 2 : 0;
  const all = nibbles.length % 2 === 1 ? [flag + 1, ...nibbles] : [flag, 0, ...nibbles];
  return Uint8Array.from({ length: all.length / 2 }, (_, at) => {
    const [high = 0, low = 0] = [all[2 * at], all[2 * at + 1]];
    return high * 16 + low;
  });
}

function sharedLength(pairs: readonly Pair[], nibbles: readonly number[], depth: number): number {
  let length = 0;
  const isShared = (at: number): boolean => pairs.every((pair) => pair.nibbles[at] === nibbles[at]);
  while (depth + length < nibbles.length && isShared(depth + length)) length += 1;
  return length;
}

function nibblesOf(bytes: Uint8Array): number[] {
  return [...bytes].flatMap((byte) => [byte >> 4, byte & 15]);
}
