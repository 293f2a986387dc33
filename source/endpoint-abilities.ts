import { RangeSize } from "./range-size.ts";
import { type Clock, realClock } from "./request-pace.ts";

export type EndpointLimits = {
  /** Blocks that one question for logs may span; found out unless given. */
  maxBlocks?: number | undefined;
  /** Contracts that one question for logs may name; found out unless given. */
  maxAddresses?: number | undefined;
};

/** What `/status` says that an endpoint can do; null: nobody knows yet. */
export type EndpointAbilitiesStatus = {
  /** Blocks that one question for logs spans now, by contract and by topic, and the limit met. */
  blocksPerRequest: { byAddress: number; byTopic: number; limit: number | null };
  addressesPerRequest: number;
  /** Whether it refuses questions for logs that name no contract. */
  needsAddress: boolean;
  receipts: boolean | null;
  finalizedTag: boolean | null;
  /** Whether it still has what the first block that is followed holds. */
  archive: { block: number; logs: boolean; receipts: boolean } | null;
};

const LOGS_PER_ANSWER = 5_000;
/** geth and its kin refuse more than 1,000 in one filter. */
const MOST_ADDRESSES = 500;
/** A refusal may be of a quota that is used up: after so long it is asked for receipts again. */
const ASK_AGAIN_MS = 600_000;

/**
 * What one endpoint can do, as it is set, or as its answers and refusals show. Each endpoint has its
 * own: another provider has other limits.
 */
export class EndpointAbilities {
  /** By contract and by topic: each asks for another mass of logs, so each learns its own limit. */
  readonly byAddress: RangeSize;
  readonly byTopic: RangeSize;
  needsAddress = false;
  finalizedTag: boolean | null = null;
  archive: EndpointAbilitiesStatus["archive"] = null;
  readonly #clock: Clock;
  #addresses: number;
  #receipts: boolean | null = null;
  #receiptsRefusedMs = -Infinity;

  constructor({ maxBlocks, maxAddresses }: EndpointLimits, clock: Clock = realClock) {
    this.byAddress = new RangeSize(LOGS_PER_ANSWER, maxBlocks);
    this.byTopic = new RangeSize(LOGS_PER_ANSWER, maxBlocks);
    this.#addresses = maxAddresses ?? MOST_ADDRESSES;
    this.#clock = clock;
  }

  /** How many contracts a question may name. */
  get addresses(): number {
    return this.#addresses;
  }

  /** So many contracts were too many. */
  refusedAddresses(asked: number, allowed: number | null): void {
    const half = Math.max(1, Math.ceil(asked / 2));
    const wanted = allowed !== null && allowed < asked ? allowed : half;
    this.#addresses = Math.min(this.#addresses, wanted);
  }

  /** Whether it is worth asking for a block's receipts. */
  get mayGiveReceipts(): boolean {
    return this.#receipts !== false || this.#clock.now() - this.#receiptsRefusedMs >= ASK_AGAIN_MS;
  }

  sawReceipts(areGiven: boolean): void {
    this.#receipts = areGiven;
    if (!areGiven) this.#receiptsRefusedMs = this.#clock.now();
  }

  get status(): EndpointAbilitiesStatus {
    const { byAddress, byTopic } = this;
    const limits = [byAddress.limit, byTopic.limit].filter((each) => each !== null);
    return {
      blocksPerRequest: {
        ...{ byAddress: byAddress.blocks, byTopic: byTopic.blocks },
        limit: limits.length === 0 ? null : Math.min(...limits),
      },
      addressesPerRequest: this.#addresses,
      needsAddress: this.needsAddress,
      receipts: this.#receipts,
      finalizedTag: this.finalizedTag,
      archive: this.archive,
    };
  }
}
