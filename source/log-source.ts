import { numberToHex } from "viem";
import type { Hex } from "../src/events/escrow-event.ts";
import type { BlockSource } from "./block-source.ts";
import { BloomTrust } from "./bloom-trust.ts";
import { checkLogs, matcher, type RawLog, type RawLogFilter } from "./check-logs.ts";
import type { EndpointPool } from "./endpoint-pool.ts";
import { bloomOf, LogBloom } from "./log-bloom.ts";
import { inLogOrder, isSameLogs, logKey } from "./log-order.ts";
import { type ProvenReceipts, provenReceipts } from "./proven-receipts.ts";
import { RangeSize } from "./range-size.ts";
import { checkBlock, type RawBlock } from "./raw-block.ts";
import type { RpcEndpoint } from "./rpc-endpoint.ts";
import { RpcProblem } from "./rpc-problem.ts";

type RangeFilter = RawLogFilter & { fromBlock: Hex; toBlock: Hex };

export type LogSourceOptions = {
  /** How many endpoints have to give the same logs of a range. */
  agree: number;
  /** First topics of the events that decide rows. */
  topics: readonly Hex[];
};

const LOGS_PER_ANSWER = 5_000;
/** geth and its kin refuse more than 1,000 in one filter. */
const MOST_ADDRESSES = 500;

/** Logs of one chain, complete as far as that can be told from an answer and what belongs to it. */
export class LogSource {
  readonly bloom = new BloomTrust();
  readonly #pool: EndpointPool;
  readonly #blocks: BlockSource;
  readonly #agree: number;
  readonly #topics: readonly Hex[];
  #hasNoReceipts = false;
  /** By address and by topic: each asks for another mass of logs, so each learns its own limit. */
  readonly #sizes = {
    address: new RangeSize(LOGS_PER_ANSWER),
    topic: new RangeSize(LOGS_PER_ANSWER),
  };
  #addresses = MOST_ADDRESSES;

  constructor(pool: EndpointPool, blocks: BlockSource, options: LogSourceOptions) {
    this.#pool = pool;
    this.#blocks = blocks;
    this.#agree = options.agree;
    this.#topics = options.topics;
  }

  /** All receipts and logs of a block, proven by the receipts root in its header. */
  async proven(block: RawBlock): Promise<ProvenReceipts> {
    const proven = await this.#pool.ask("eth_getBlockReceipts", [block.hash], {
      what: `of block ${Number(block.number)}`,
      parse: (answer) => provenReceipts(answer, block),
    });
    this.bloom.saw(proven.isOwnBloom, proven.logs.length > 0);
    return proven;
  }

  /**
   * Of one block. Where its bloom speaks of a topic that decides rows, or cannot be relied on, all
   * logs are proven by the receipts: a bloom has no data, and would not show another amount.
   * Elsewhere the bloom of the logs has to be that of the header.
   */
  async ofBlock(filter: RawLogFilter & { blockHash: Hex }): Promise<RawLog[]> {
    const { block, isProven } = await this.#blocks.read({ hash: filter.blockHash });
    const isWanted = matcher(filter);
    const logs = isProven && this.#concerns(block) ? await this.#provenOr(block) : null;
    return (logs ?? (await this.#byBloom(block, isProven))).filter((log) =>
      isWanted(log, Number(block.number), block.hash.toLowerCase()),
    );
  }

  /** Of a range, in as many questions as the providers' limits make of it. */
  async ofRange(filter: RangeFilter): Promise<RawLog[]> {
    const addresses = Array.isArray(filter.address) ? filter.address : null;
    if (addresses === null || addresses.length <= this.#addresses) return await this.#parts(filter);
    const logs: RawLog[] = [];
    for (let at = 0; at < addresses.length; ) {
      const address = addresses.slice(at, at + this.#addresses);
      logs.push(...(await this.ofRange({ ...filter, address })));
      at += address.length;
    }
    return logs.sort(inLogOrder);
  }

  #concerns({ logsBloom }: RawBlock): boolean {
    if (this.bloom.state === "distrusted") return true;
    const bloom = new LogBloom(logsBloom);
    return this.#topics.some((topic) => bloom.mayHold(topic));
  }

  /** @returns null where nobody gives receipts */
  async #provenOr(block: RawBlock): Promise<RawLog[] | null> {
    if (this.#hasNoReceipts) return null;
    try {
      return (await this.proven(block)).logs;
    } catch (error) {
      if (!(error instanceof RpcProblem) || error.kind !== "refused") throw error;
      this.#hasNoReceipts = true;
      this.#pool.say("source.no-receipts", `chain ${this.#pool.chainId}: ${error.message}`);
      return null;
    }
  }

  /** Logs whose bloom is not the header's are proven; where that is impossible, believed. */
  async #byBloom(block: RawBlock, isProven: boolean): Promise<RawLog[]> {
    const { hash: blockHash } = block;
    const logs = await this.#pool.ask("eth_getLogs", [{ blockHash }], {
      what: `of block ${blockHash}`,
      parse: (answer) => checkLogs(answer, { blockHash }),
    });
    const isOwn = bloomOf(logs as never) === block.logsBloom.toLowerCase();
    if (isOwn) this.bloom.saw(true, logs.length > 0);
    if (isOwn || !isProven) return logs;
    const proven = await this.#provenOr(block);
    if (proven !== null && !isSameLogs(proven, logs))
      this.#pool.say(
        "source.lie",
        `chain ${this.#pool.chainId}: ${logs.length} of ${proven.length} logs of block ${Number(block.number)} were given`,
      );
    return proven ?? logs;
  }

  async #parts(filter: RangeFilter): Promise<RawLog[]> {
    const size = filter.address === undefined ? this.#sizes.topic : this.#sizes.address;
    const last = Number(filter.toBlock);
    const logs: RawLog[] = [];
    for (let at = Number(filter.fromBlock); at <= last; ) {
      const end = Math.min(last, at + size.blocks - 1);
      const part = { ...filter, fromBlock: numberToHex(at), toBlock: numberToHex(end) };
      try {
        const found = await this.#part(part, end > at);
        size.worked(end - at + 1, found.length);
        logs.push(...found);
        at = end + 1;
      } catch (error) {
        const isRange = isOf(error, "too-large", "timeout") && end > at;
        if (isRange) size.refused(end - at + 1, error.blocksAllowed);
        else if (
          Array.isArray(filter.address) &&
          isOf(error, "too-many-addresses", "too-large", "timeout")
        ) {
          if (filter.address.length < 2) throw error;
          this.#addresses = Math.ceil(filter.address.length / 2);
          const rest = await this.ofRange({ ...filter, fromBlock: numberToHex(at) });
          return [...logs, ...rest];
        } else throw error;
      }
    }
    return logs;
  }

  async #part(filter: RangeFilter, mayBeSplit: boolean): Promise<RawLog[]> {
    const read = (endpoint: RpcEndpoint): Promise<RawLog[]> => anchored(endpoint, filter);
    const first = await this.#pool.each(read, {
      mayBeSplit: mayBeSplit || Array.isArray(filter.address),
    });
    return this.#agree > 1 ? await this.#agreed(first, read) : first.value;
  }

  /** The same logs from as many endpoints as were asked for; who is wrong is proven. */
  async #agreed(
    first: { endpoint: RpcEndpoint; value: RawLog[] },
    read: (endpoint: RpcEndpoint) => Promise<RawLog[]>,
  ): Promise<RawLog[]> {
    let logs = first.value;
    let agreeing = 1;
    for (const other of this.#pool.inTurn.filter((each) => each !== first.endpoint)) {
      if (agreeing >= this.#agree) return logs;
      try {
        const theirs = await read(other);
        if (!isSameLogs(theirs, logs))
          logs = await this.#truthOf([first.endpoint, logs], [other, theirs]);
        agreeing += 1;
      } catch (error) {
        if (!(error instanceof RpcProblem)) throw error;
      }
    }
    if (agreeing >= this.#agree) return logs;
    throw new RpcProblem(
      "transient",
      `only ${agreeing} of ${this.#agree} endpoints agree on a range`,
    );
  }

  /** Two endpoints disagree: each block that they give differently is proven by its receipts. */
  async #truthOf(
    [hostA, a]: [RpcEndpoint, RawLog[]],
    [hostB, b]: [RpcEndpoint, RawLog[]],
  ): Promise<RawLog[]> {
    const [inA, inB] = [byKey(a), byKey(b)];
    const disputed = [...inA, ...inB].filter(([key]) => inA.has(key) !== inB.has(key));
    const truth = new Map(inA);
    for (const number of new Set(disputed.map(([, log]) => Number(log.blockNumber)))) {
      const { block } = await this.#blocks.read({ number });
      const proven = byKey((await this.proven(block)).logs);
      for (const [key, log] of disputed.filter(([, each]) => Number(each.blockNumber) === number)) {
        if (proven.has(key)) truth.set(key, log);
        else truth.delete(key);
        const liar = proven.has(key) === inA.has(key) ? hostB : hostA;
        const lie = `it ${proven.has(key) ? "left out" : "invented"} log ${Number(log.logIndex)} of block ${number}`;
        liar.health.failed(lie, true);
        this.#pool.say("source.lie", `chain ${this.#pool.chainId}, ${liar.host}: ${lie}`);
      }
    }
    return [...truth.values()].sort(inLogOrder);
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

function byKey(logs: readonly RawLog[]): Map<string, RawLog> {
  return new Map(logs.map((log) => [logKey(log), log]));
}

function isOf(error: unknown, ...kinds: RpcProblem["kind"][]): error is RpcProblem {
  return error instanceof RpcProblem && kinds.includes(error.kind);
}
