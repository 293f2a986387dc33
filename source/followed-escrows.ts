import { numberToHex } from "viem";
import type { FactoryDeployment } from "../config/chain-deployment.ts";
import type { Hex } from "../src/events/escrow-event.ts";
import { EVENT_CATALOGUE } from "../src/events/event-catalogue.ts";
import type { RawLog } from "./check-logs.ts";
import type { RangeFilter } from "./range-reader.ts";

/** Blocks that are read again: near the head they may have been replaced. */
const OVERLAP_BLOCKS = 1_000;
const { A, B } = EVENT_CATALOGUE.EscrowDeployed.revisions;
const ANNOUNCEMENTS: Hex[] = [A.topic0, B.topic0];

/**
 * The contracts that are followed on a chain: its factories, and the escrows that they announced. The
 * announcements are read when somebody asks, and only those that are not known yet.
 */
export class FollowedEscrows {
  readonly #factories: readonly FactoryDeployment[];
  readonly #read: (filter: RangeFilter) => Promise<RawLog[]>;
  /** By address, the block of the first announcement. */
  readonly #announcedAt = new Map<Hex, number>();
  #readThrough: number;
  #turn: Promise<unknown> = Promise.resolve();

  /** @param read reads logs of the contracts that the filter names */
  constructor(
    factories: readonly FactoryDeployment[],
    read: (filter: RangeFilter) => Promise<RawLog[]>,
  ) {
    this.#factories = factories;
    this.#read = read;
    this.#readThrough = Math.min(...factories.map(({ startBlock }) => startBlock)) - 1;
  }

  /** All contracts that are followed by that block. @throws RpcProblem */
  async through(block: number): Promise<Hex[]> {
    const reading = this.#turn.then(() => this.#readAnnouncements(block));
    this.#turn = reading.catch(() => undefined);
    await reading;
    const escrows = [...this.#announcedAt].filter(([, announcedAt]) => announcedAt <= block);
    return [
      ...new Set(this.#factories.map(({ address }) => address.toLowerCase() as Hex)),
      ...escrows.map(([address]) => address),
    ];
  }

  async #readAnnouncements(through: number): Promise<void> {
    if (this.#factories.length === 0 || through <= this.#readThrough - OVERLAP_BLOCKS) return;
    const start = Math.min(...this.#factories.map(({ startBlock }) => startBlock));
    const from = Math.max(start, Math.min(this.#readThrough, through) - OVERLAP_BLOCKS + 1);
    if (from > through) return;
    const logs = await this.#read({
      ...{ fromBlock: numberToHex(from), toBlock: numberToHex(through) },
      address: this.#factories.map(({ address }) => address),
      topics: [ANNOUNCEMENTS],
    });
    for (const { topics, blockNumber } of logs) {
      // In both revisions the escrow is the first indexed argument.
      const escrow = `0x${topics[1]?.slice(-40).toLowerCase()}` as const;
      const before = this.#announcedAt.get(escrow) ?? Infinity;
      this.#announcedAt.set(escrow, Math.min(before, Number(blockNumber)));
    }
    this.#readThrough = Math.max(this.#readThrough, through);
  }
}
