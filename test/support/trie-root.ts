import { type Hex, hexToBytes, keccak256, toHex, toRlp } from "viem";

type Item = Hex | Item[];
type Pair = { nibbles: number[]; value: Hex };

/** The root of a trie without anything in it. */
const EMPTY_ROOT = keccak256("0x80");

/**
 * The root of the Merkle Patricia trie that has each value under the RLP of its index (Ethereum
 * yellow paper, appendix D). A chain that is made up needs it at once, block after block, which the
 * library that checks real chains cannot: it waits between its steps.
 */
export function trieRoot(values: readonly Hex[]): Hex {
  if (values.length === 0) return EMPTY_ROOT;
  const pairs = values.map((value, index) => ({
    nibbles: nibblesOf(toRlp(index === 0 ? "0x" : toHex(index))),
    value,
  }));
  return keccak256(toRlp(node(pairs, 0) as never));
}

function node(pairs: readonly Pair[], depth: number): Item {
  const [first] = pairs;
  if (first === undefined) return "0x";
  if (pairs.length === 1) return [compact(first.nibbles.slice(depth), true), first.value];
  const shared = sharedLength(pairs, depth);
  if (shared > 0)
    return [
      compact(first.nibbles.slice(depth, depth + shared), false),
      reference(node(pairs, depth + shared)),
    ];
  const children = Array.from({ length: 16 }, (_, nibble) =>
    reference(
      node(
        pairs.filter(({ nibbles }) => nibbles[depth] === nibble),
        depth + 1,
      ),
    ),
  );
  const here = pairs.find(({ nibbles }) => nibbles.length === depth);
  return [...children, here?.value ?? "0x"];
}

/** A node of less than 32 bytes stands in its parent itself. */
function reference(item: Item): Item {
  if (item === "0x") return item;
  const rlp = toRlp(item as never) as Hex;
  return rlp.length - 2 < 64 ? item : keccak256(rlp);
}

function compact(nibbles: readonly number[], isLeaf: boolean): Hex {
  const flag = isLeaf ? 2 : 0;
  const all = nibbles.length % 2 === 1 ? [flag + 1, ...nibbles] : [flag, 0, ...nibbles];
  return `0x${all.map((nibble) => nibble.toString(16)).join("")}`;
}

function sharedLength(pairs: readonly Pair[], depth: number): number {
  const [first] = pairs;
  const rest = first?.nibbles.slice(depth) ?? [];
  const differs = rest.findIndex((nibble, at) =>
    pairs.some(({ nibbles }) => nibbles[depth + at] !== nibble),
  );
  return differs < 0 ? rest.length : differs;
}

function nibblesOf(key: Hex): number[] {
  return [...hexToBytes(key)].flatMap((byte) => [byte >> 4, byte & 15]);
}
