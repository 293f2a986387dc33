import { numberToHex } from "viem";
import type { Hex } from "../src/events/escrow-event.ts";
import { checkLogs, type RawLog, type RawLogFilter } from "./check-logs.ts";
import { inLogOrder } from "./log-order.ts";
import { checkBlock } from "./raw-block.ts";
import type { RpcEndpoint } from "./rpc-endpoint.ts";
import { RpcProblem } from "./rpc-problem.ts";

export type RangeFilter = RawLogFilter & { fromBlock: Hex; toBlock: Hex };

/** The logs of a range's first blocks, through `to`. */
export type RangePart = { to: number; logs: RawLog[] };

/**
 * Reads logs of a range from one endpoint, in questions that it answers: it asks for as many blocks
 * and contracts as the endpoint allows, and learns from what it refuses.
 *
 * @param followedThrough the contracts that are followed by a block: asked for in place of topics
 *   alone, where the endpoint demands that a question names contracts
 */
export class RangeReader {
  readonly #followedThrough: (block: number) => Promise<readonly Hex[]>;

  constructor(followedThrough: (block: number) => Promise<readonly Hex[]>) {
    this.#followedThrough = followedThrough;
  }

  /**
   * The first blocks of a range, as many as the endpoint answers for at once.
   *
   * @throws RpcProblem what a smaller question would not change; and `timeout`, for somebody else may
   *   be faster: the endpoint is asked for less the next time
   */
  async part(endpoint: RpcEndpoint, filter: RangeFilter): Promise<RangePart> {
    const { abilities } = endpoint;
    const from = Number(filter.fromBlock);
    for (;;) {
      const isByTopic = filter.address === undefined && !abilities.needsAddress;
      const size = isByTopic ? abilities.byTopic : abilities.byAddress;
      const to = Math.min(Number(filter.toBlock), from + size.blocks - 1);
      try {
        const logs = await this.#read(endpoint, { ...filter, toBlock: numberToHex(to) });
        size.worked(to - from + 1, logs.length);
        return { to, logs };
      } catch (error) {
        if (!(error instanceof RpcProblem)) throw error;
        const isTooLong = error.kind === "too-large" || error.kind === "timeout";
        if (isTooLong && to > from) size.refused(to - from + 1, error.blocksAllowed);
        else if (error.kind === "needs-address" && isByTopic) abilities.needsAddress = true;
        else throw error;
        if (error.kind === "timeout") throw error;
      }
    }
  }

  /** A range, in as many parts as the endpoint's limits make of it. */
  async whole(endpoint: RpcEndpoint, filter: RangeFilter): Promise<RawLog[]> {
    const logs: RawLog[] = [];
    for (let at = Number(filter.fromBlock); at <= Number(filter.toBlock); ) {
      const part = await this.part(endpoint, { ...filter, fromBlock: numberToHex(at) });
      logs.push(...part.logs);
      at = part.to + 1;
    }
    return logs;
  }

  async #read(endpoint: RpcEndpoint, filter: RangeFilter): Promise<RawLog[]> {
    const { abilities } = endpoint;
    const isByTopic = filter.address === undefined && !abilities.needsAddress;
    if (isByTopic || typeof filter.address === "string") return await anchored(endpoint, filter);
    const all = filter.address ?? (await this.#followedThrough(Number(filter.toBlock)));
    const logs: RawLog[] = [];
    for (let at = 0; at < all.length; ) {
      const address = all.slice(at, at + abilities.addresses);
      logs.push(...(await this.#ofContracts(endpoint, filter, address)));
      at += address.length;
    }
    return logs.sort(inLogOrder);
  }

  /** Asks for half of the contracts, when they are too many, or one block has too many logs of them. */
  async #ofContracts(
    endpoint: RpcEndpoint,
    filter: RangeFilter,
    address: readonly Hex[],
  ): Promise<RawLog[]> {
    try {
      return await anchored(endpoint, { ...filter, address: [...address] });
    } catch (error) {
      if (!(error instanceof RpcProblem) || address.length < 2) throw error;
      const isOneBlock = Number(filter.fromBlock) === Number(filter.toBlock);
      if (error.kind === "too-many-addresses")
        endpoint.abilities.refusedAddresses(address.length, error.addressesAllowed);
      else if (error.kind !== "too-large" || !isOneBlock) throw error;
      const half = Math.ceil(address.length / 2);
      const first = await this.#ofContracts(endpoint, filter, address.slice(0, half));
      return [...first, ...(await this.#ofContracts(endpoint, filter, address.slice(half)))];
    }
  }
}

/** Logs of a range together with the header of its last block: whoever lacks that lags behind. */
async function anchored(endpoint: RpcEndpoint, filter: RangeFilter): Promise<RawLog[]> {
  const last = Number(filter.toBlock);
  const [logs, { block }] = await Promise.all([
    endpoint.askOnce("eth_getLogs", [filter], {
      what: `of blocks ${Number(filter.fromBlock)} to ${last}`,
      parse: (answer) => checkLogs(answer, filter),
    }),
    endpoint.askOnce("eth_getBlockByNumber", [filter.toBlock, false], {
      what: `of block ${last}`,
      parse: (answer) => checkBlock(answer, { number: last }),
    }),
  ]);
  const ofLast = logs.filter((log) => Number(log.blockNumber) === last);
  if (ofLast.some(({ blockHash }) => blockHash.toLowerCase() !== block.hash.toLowerCase()))
    throw new RpcProblem("transient", `its logs and its block ${last} are of two branches`);
  return logs;
}
