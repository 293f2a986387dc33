import { numberToHex } from "viem";
import { type BlockHeader, toBlockHeader } from "../../source/block-header.ts";
import { type ChainLog, parseLogs } from "../../source/chain-log.ts";
import type { ChainSource } from "../../source/chain-source.ts";
import type { Hex } from "../../src/events/escrow-event.ts";

/** Whose logs, or those of which first topics. */
type Wanted = { address?: readonly Hex[]; topics?: readonly Hex[] };

/** The logs of some blocks in a row. */
export type LogPart = { from: number; to: number; logs: ChainLog[] };

/** What the audit reads of a chain: the verified source's answers, in the audit's own form. */
export class ChainReader {
  readonly source: ChainSource;

  constructor(source: ChainSource) {
    this.source = source;
  }

  /** How many contracts one question may name, as far as that is known. */
  get addressesPerRequest(): number {
    const [endpoint] = this.source.status.endpoints;
    return endpoint?.can.addressesPerRequest ?? 1;
  }

  /** @throws RpcProblem when the endpoint does not have the block, after some attempts: it lags */
  async header(number: number): Promise<BlockHeader> {
    return toBlockHeader((await this.source.block({ number })).block);
  }

  /** Logs of a range, part by part in the order of the chain; none where nothing is wanted. */
  async *parts({ address, topics }: Wanted, from: number, to: number): AsyncGenerator<LogPart> {
    if (address?.length === 0 || from > to) return;
    let next = from;
    const filter = {
      ...{ fromBlock: numberToHex(from), toBlock: numberToHex(to) },
      ...(address ? { address: [...address] } : {}),
      ...(topics ? { topics: [[...topics]] } : {}),
    };
    for await (const part of this.source.parts(filter)) {
      const logs = parseLogs(part.logs, { fromBlock: next, toBlock: part.to });
      yield { from: next, to: part.to, logs };
      next = part.to + 1;
    }
  }

  /** Every log of a block, whoever emitted it; proven by its receipts, where these are given. */
  async ofBlock(blockHash: Hex): Promise<ChainLog[]> {
    return parseLogs(await this.source.logs({ blockHash }), { blockHash });
  }
}
