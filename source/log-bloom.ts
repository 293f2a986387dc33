import type { Hex } from "../src/events/escrow-event.ts";
import { keccak } from "./keccak.ts";
import { bytesOf } from "./rlp.ts";

/*
 * The bloom filter of a block's header (Ethereum yellow paper, 4.3.1): of each log's address and
 * each of its topics, three of 2,048 bits are set. A bit that is not set proves that no log of the
 * block has that value; set bits prove nothing.
 */

const BYTES = 256;

/** The bloom of a block that has these logs and no others. */
export function bloomOf(logs: readonly { address: Hex; topics: readonly Hex[] }[]): Hex {
  const bloom = new Uint8Array(BYTES);
  for (const value of new Set(logs.flatMap(({ address, topics }) => [address, ...topics])))
    for (const bit of bitsOf(value)) setBit(bloom, bit);
  return `0x${Buffer.from(bloom).toString("hex")}`;
}

/** Says of one block's bloom which values its logs may have. */
export class LogBloom {
  readonly #bytes: Uint8Array;

  constructor(logsBloom: Hex) {
    this.#bytes = bytesOf(logsBloom);
  }

  /** Chains that fill no blooms send this one for every block. */
  get isEmpty(): boolean {
    return this.#bytes.every((byte) => byte === 0);
  }

  mayHold(value: Hex): boolean {
    return bitsOf(value).every((bit) => isSet(this.#bytes, bit));
  }
}

/** The three bits that a value sets, 0 to 2,047. */
export function bloomBits(value: Hex): number[] {
  const hash = keccak(bytesOf(value));
  return [0, 2, 4].map((at) => (((hash[at] ?? 0) << 8) | (hash[at + 1] ?? 0)) & 2_047);
}

/** Our contracts and topics come again with every block. */
const known = new Map<Hex, number[]>();
const MOST_KNOWN = 5_000;

function bitsOf(value: Hex): number[] {
  const before = known.get(value);
  if (before) return before;
  const bits = bloomBits(value);
  if (known.size >= MOST_KNOWN) known.clear();
  known.set(value, bits);
  return bits;
}

/** Bit 0 is the lowest of the last byte. */
function setBit(bloom: Uint8Array, bit: number): void {
  const at = BYTES - 1 - (bit >> 3);
  bloom[at] = (bloom[at] ?? 0) | (1 << (bit & 7));
}

function isSet(bloom: Uint8Array, bit: number): boolean {
  return ((bloom[BYTES - 1 - (bit >> 3)] ?? 0) & (1 << (bit & 7))) !== 0;
}
