import { hexToBytes } from "viem";
import { bloomBits } from "../../source/log-bloom.ts";
import type { Hex } from "../../src/events/escrow-event.ts";
import type { FollowedContracts } from "../audit/followed-contracts.ts";

const BLOOM_BYTES = 256;
const BITS_PER_VALUE = 3;
const FIRST_CAPACITY = 1_024;

/** Values that a bloom may hold, their bits beside each other: 6 bytes for each. */
class Watched {
  #bits = new Uint16Array(FIRST_CAPACITY * BITS_PER_VALUE);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(value: Hex): void {
    const at = this.#count * BITS_PER_VALUE;
    if (at === this.#bits.length) {
      const larger = new Uint16Array(this.#bits.length * 2);
      larger.set(this.#bits);
      this.#bits = larger;
    }
    this.#bits.set(bloomBits(value), at);
    this.#count += 1;
  }

  /** @param from the first value to look for, in the order in which they were added */
  isAnyIn(bloom: Uint8Array, from = 0): boolean {
    const bits = this.#bits;
    for (let at = from * BITS_PER_VALUE; at < this.#count * BITS_PER_VALUE; at += BITS_PER_VALUE)
      if (isSet(bloom, bits[at]) && isSet(bloom, bits[at + 1]) && isSet(bloom, bits[at + 2]))
        return true;
    return false;
  }
}

/**
 * Whether a block may have a log of ours, by its bloom: a pair of a factory and an announcement, or
 * of an escrow and an event of escrows, both of which the bloom holds. With 100,000 escrows nearly
 * every full bloom holds one of their addresses; the few topics decide then.
 */
export class BloomWatch {
  readonly #contracts: FollowedContracts;
  readonly #factories = new Watched();
  readonly #announcements = new Watched();
  readonly #escrows = new Watched();
  readonly #events = new Watched();

  constructor(contracts: FollowedContracts) {
    this.#contracts = contracts;
    for (const address of contracts.factories) this.#factories.add(address);
    for (const topic of contracts.announcements) this.#announcements.add(topic);
    for (const topic of contracts.escrowTopics) this.#events.add(topic);
  }

  /**
   * @param since how many escrows were known when this block was looked at before: only whether the
   *   others make a difference
   */
  concerns(logsBloom: Hex, since?: number): boolean {
    const { children } = this.#contracts;
    for (const { address } of children.slice(this.#escrows.count)) this.#escrows.add(address);
    const bloom = hexToBytes(logsBloom, { size: BLOOM_BYTES });
    if (since === undefined && this.#factories.isAnyIn(bloom) && this.#announcements.isAnyIn(bloom))
      return true;
    return this.#events.isAnyIn(bloom) && this.#escrows.isAnyIn(bloom, since);
  }
}

/** Bit 0 is the lowest of the last byte. */
function isSet(bloom: Uint8Array, bit = 0): boolean {
  return ((bloom[BLOOM_BYTES - 1 - (bit >> 3)] ?? 0) & (1 << (bit & 7))) !== 0;
}
