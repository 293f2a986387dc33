import { numberToHex } from "viem";
import type { Hex } from "../src/events/escrow-event.ts";
import { type ChainLog, inChainOrder, type LogFilter, parseLogs } from "./chain-log.ts";
import { RangeSize } from "./range-size.ts";
import type { RpcEndpoint } from "./rpc-endpoint.ts";
import { RpcProblem } from "./rpc-problem.ts";

/** What logs are read for. Each asks for another mass of logs, so each learns its own limits. */
type Purpose = "factories" | "escrows" | "topics" | "signatures";

type Wanted = { address?: readonly Hex[]; topics?: readonly Hex[] };

/** The logs of some blocks in a row. */
export type LogPart = { from: number; to: number; logs: ChainLog[] };

const LOGS_PER_ANSWER = 5_000;
/** geth and its kin refuse more than 1,000 in one filter. */
const MOST_ADDRESSES = 500;

/** Reads logs in ranges that the provider answers for. */
export class LogReader {
  readonly #rpc: RpcEndpoint;
  readonly #sizes = new Map<Purpose, RangeSize>();
  #addresses = MOST_ADDRESSES;

  constructor(rpc: RpcEndpoint) {
    this.#rpc = rpc;
  }

  /** How many contracts one question may name. */
  get addressesPerRequest(): number {
    return this.#addresses;
  }

  /** Logs of a range, part by part in the order of the chain. */
  async *parts(
    purpose: Purpose,
    wanted: Wanted,
    from: number,
    to: number,
  ): AsyncGenerator<LogPart> {
    const size = this.#sizes.get(purpose) ?? new RangeSize(LOGS_PER_ANSWER);
    this.#sizes.set(purpose, size);
    for (let at = from; at <= to; ) {
      const end = Math.min(to, at + size.blocks - 1);
      try {
        const logs = await this.#read({ ...wanted, fromBlock: at, toBlock: end });
        size.worked(end - at + 1, logs.length);
        yield { from: at, to: end, logs };
        at = end + 1;
      } catch (error) {
        if (!isTooMuch(error) || end === at) throw error;
        size.refused(end - at + 1, error.blocksAllowed);
      }
    }
  }

  /** Logs of these contracts in a range, however many contracts there are. */
  async *ofContracts(
    purpose: Purpose,
    addresses: readonly Hex[],
    from: number,
    to: number,
  ): AsyncGenerator<LogPart> {
    for (let at = 0; at < addresses.length; ) {
      const address = addresses.slice(at, at + this.#addresses);
      yield* this.parts(purpose, { address }, from, to);
      at += address.length;
    }
  }

  /** Every log of a block, whoever emitted it. */
  async ofBlock(blockHash: Hex): Promise<ChainLog[]> {
    return await this.#ask({ blockHash });
  }

  /** Asks for fewer contracts at once when it is they that are too many. */
  async #read(filter: LogFilter & { fromBlock: number; toBlock: number }): Promise<ChainLog[]> {
    try {
      return await this.#ask(filter);
    } catch (error) {
      const { address = [], fromBlock, toBlock } = filter;
      const isByAddress =
        error instanceof RpcProblem &&
        (error.kind === "too-many-addresses" || (isTooMuch(error) && fromBlock === toBlock));
      if (!isByAddress || address.length < 2) throw error;
      const half = Math.ceil(address.length / 2);
      if (error.kind === "too-many-addresses") this.#addresses = Math.min(this.#addresses, half);
      const first = await this.#read({ ...filter, address: address.slice(0, half) });
      const second = await this.#read({ ...filter, address: address.slice(half) });
      return inChainOrder([...first, ...second]);
    }
  }

  async #ask(filter: LogFilter): Promise<ChainLog[]> {
    const { address, topics } = filter;
    const isOneBlock = "blockHash" in filter || filter.fromBlock === filter.toBlock;
    const where =
      "blockHash" in filter
        ? { blockHash: filter.blockHash }
        : { fromBlock: numberToHex(filter.fromBlock), toBlock: numberToHex(filter.toBlock) };
    const params = {
      ...where,
      ...(address ? { address } : {}),
      ...(topics ? { topics: [topics] } : {}),
    };
    return await this.#rpc.ask("eth_getLogs", [params], {
      what: inWords(filter),
      parse: (answer) => parseLogs(answer, filter),
      mayBeSplit: !isOneBlock || (address?.length ?? 0) > 1,
    });
  }
}

function isTooMuch(error: unknown): error is RpcProblem {
  return error instanceof RpcProblem && (error.kind === "too-large" || error.kind === "timeout");
}

function inWords(filter: LogFilter): string {
  if ("blockHash" in filter) return `of block ${filter.blockHash}`;
  const whose = filter.address ? ` of ${filter.address.length} contracts` : " by topic";
  return `of blocks ${filter.fromBlock} to ${filter.toBlock}${whose}`;
}
