import { numberToHex } from "viem";
import type { FactoryDeployment } from "../config/chain-deployment.ts";
import type { Hex } from "../src/events/escrow-event.ts";
import { AtOnce } from "./at-once.ts";
import type { BlockSource } from "./block-source.ts";
import { BloomTrust } from "./bloom-trust.ts";
import { checkLogs, matcher, type RawLog, type RawLogFilter } from "./check-logs.ts";
import type { EndpointPool } from "./endpoint-pool.ts";
import { FollowedEscrows } from "./followed-escrows.ts";
import { LogAgreement } from "./log-agreement.ts";
import { bloomOf, LogBloom } from "./log-bloom.ts";
import { isSameLogs } from "./log-order.ts";
import { type ProvenReceipts, provenReceipts } from "./proven-receipts.ts";
import { type RangeFilter, type RangePart, RangeReader } from "./range-reader.ts";
import type { RawBlock } from "./raw-block.ts";
import { RpcProblem } from "./rpc-problem.ts";

export type LogSourceOptions = {
  /** How many endpoints have to give the same logs of a range. */
  agree: number;
  /** First topics of the events that decide rows. */
  topics: readonly Hex[];
  /** Whose escrows are followed. */
  factories: readonly FactoryDeployment[];
};

/** Proofs share one thread with those of other chains: a chain that catches up leaves them room. */
const PROOFS_AT_ONCE = 2;

/** So often every endpoint has to give logs that do not make their block's bloom. */
const MOST_DOUBTS = 4;

/** Logs of one chain, complete as far as that can be told from an answer and what belongs to it. */
export class LogSource {
  readonly bloom = new BloomTrust();
  readonly agreement: LogAgreement;
  readonly #pool: EndpointPool;
  readonly #blocks: BlockSource;
  readonly #reader: RangeReader;
  readonly #topics: readonly Hex[];
  readonly #proofs = new AtOnce(PROOFS_AT_ONCE);
  #hasNoReceipts = false;

  constructor(pool: EndpointPool, blocks: BlockSource, options: LogSourceOptions) {
    const { agree, topics, factories } = options;
    this.#pool = pool;
    this.#blocks = blocks;
    this.#topics = topics;
    const followed = new FollowedEscrows(factories, (filter) => this.ofRange(filter));
    this.#reader = new RangeReader((block) => followed.through(block));
    this.agreement = new LogAgreement(pool, {
      ...{ agree, reader: this.#reader },
      followedThrough: (block) => followed.through(block),
      provenLogs: async (number) => (await this.proven((await blocks.read({ number })).block)).logs,
    });
  }

  /** All receipts and logs of a block, proven by the receipts root in its header. */
  async proven(block: RawBlock): Promise<ProvenReceipts> {
    const { value: proven } = await this.#pool.each(
      async (endpoint) => {
        const { abilities } = endpoint;
        try {
          const receipts = await endpoint.askOnce("eth_getBlockReceipts", [block.hash], {
            what: `of block ${Number(block.number)}`,
            parse: (answer) => this.#proofs.run(() => provenReceipts(answer, block, this.#topics)),
          });
          abilities.sawReceipts(true);
          return receipts;
        } catch (error) {
          if (isOf(error, "refused")) abilities.sawReceipts(false);
          throw error;
        }
      },
      { can: ({ abilities }) => abilities.mayGiveReceipts },
    );
    this.bloom.saw(proven.isOwnBloom, proven.logs.length > 0);
    return proven;
  }

  /**
   * Of one block. Where its bloom speaks of a topic that decides rows, or cannot be relied on, all
   * logs are proven by the receipts: a bloom has no data, and would not show another amount.
   * Elsewhere the bloom of the logs has to be that of the header.
   */
  async ofBlock(filter: RawLogFilter & { blockHash: Hex }): Promise<RawLog[]> {
    try {
      return await this.#ofBlock(filter);
    } catch (error) {
      const isKnownLost = this.#blocks.isLost(filter.blockHash);
      if (isOf(error, "transient") && !isKnownLost) await this.#blocks.lookFor(filter.blockHash);
      throw error;
    }
  }

  async #ofBlock(filter: RawLogFilter & { blockHash: Hex }): Promise<RawLog[]> {
    const { block, isProven } = await this.#blocks.read({ hash: filter.blockHash });
    const isWanted = matcher(filter);
    const logs = isProven && this.#concerns(block) ? await this.#provenOr(block) : null;
    const wanted = (logs ?? (await this.#byBloom(block, isProven))).filter((log) =>
      isWanted(log, Number(block.number), block.hash.toLowerCase()),
    );
    return logs === null ? wanted : await this.withTransactions(block, wanted);
  }

  /**
   * Logs that are proven, with the hashes of their transactions: a receipt does not have its own.
   *
   * @throws RpcProblem when nobody gives the block's transactions
   */
  async withTransactions(block: RawBlock, logs: readonly RawLog[]): Promise<RawLog[]> {
    if (logs.length === 0) return [];
    const hashes = await this.#blocks.transactionHashes(block.hash);
    return logs.map((log) => {
      const transactionHash = hashes?.[Number(log.transactionIndex)] ?? log.transactionHash;
      return { ...log, transactionHash };
    });
  }

  /** Of a range, in as many questions as the providers' limits make of it. */
  async ofRange(filter: RangeFilter): Promise<RawLog[]> {
    const logs: RawLog[] = [];
    for await (const part of this.parts(filter)) logs.push(...part.logs);
    return logs;
  }

  /** The same, part by part. */
  async *parts(filter: RangeFilter): AsyncGenerator<RangePart> {
    for (let at = Number(filter.fromBlock); at <= Number(filter.toBlock); ) {
      const rest = { ...filter, fromBlock: numberToHex(at) };
      const first = await this.#pool.each((endpoint) => this.#reader.part(endpoint, rest));
      const { to } = first.value;
      const range = { ...rest, toBlock: numberToHex(to) };
      const logs = await this.agreement.reach(first.endpoint, first.value.logs, range);
      yield { to, logs };
      at = to + 1;
    }
  }

  #concerns({ logsBloom }: RawBlock): boolean {
    if (this.bloom.state === "distrusted") return true;
    const bloom = new LogBloom(logsBloom);
    return this.#topics.some((topic) => bloom.mayHold(topic));
  }

  /** @returns null where nobody gives receipts */
  async #provenOr(block: RawBlock): Promise<RawLog[] | null> {
    try {
      const { logs } = await this.proven(block);
      this.#hasNoReceipts = false;
      return logs;
    } catch (error) {
      const mayBe = this.#pool.there.some(({ abilities }) => abilities.mayGiveReceipts);
      if (!isOf(error, "refused") || mayBe) throw error;
      if (!this.#hasNoReceipts)
        this.#pool.say("source.no-receipts", `chain ${this.#pool.chainId}: ${error.message}`);
      this.#hasNoReceipts = true;
      return null;
    }
  }

  /**
   * Logs whose bloom is not the header's are proven. Where that is impossible they are asked for some
   * more times, and in the end believed unless the chain's blooms were right so far: it may fill them
   * with something else.
   */
  async #byBloom(block: RawBlock, isProven: boolean): Promise<RawLog[]> {
    const isSure = this.bloom.state === "trusted";
    const doubts = isSure ? Infinity : MOST_DOUBTS * this.#pool.there.length;
    const logs = await this.#allOf(block, isProven && this.#hasNoReceipts ? doubts : 0);
    if (logs === null) {
      const proven = await this.#provenOr(block);
      if (proven !== null) return proven;
      const where = `chain ${this.#pool.chainId}, block ${Number(block.number)}`;
      throw new RpcProblem(
        "refused",
        `${where}: every endpoint demands contracts in a question for logs, and none gives receipts; name an endpoint that does either`,
      );
    }
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

  /** Every log that is given of a block; null where all endpoints demand that contracts are named. */
  async #allOf({ hash: blockHash, logsBloom }: RawBlock, doubts: number): Promise<RawLog[] | null> {
    let left = doubts;
    const parse = (answer: unknown): RawLog[] => {
      const logs = checkLogs(answer, { blockHash });
      if (left <= 0 || bloomOf(logs as never) === logsBloom.toLowerCase()) return logs;
      left -= 1;
      throw new RpcProblem("unproven", "its logs do not make the bloom in the block's header");
    };
    try {
      const { value } = await this.#pool.each(
        async (endpoint) => {
          try {
            return await endpoint.askOnce("eth_getLogs", [{ blockHash }], {
              what: `of block ${blockHash}`,
              parse,
            });
          } catch (error) {
            if (isOf(error, "needs-address")) endpoint.abilities.needsAddress = true;
            throw error;
          }
        },
        { can: ({ abilities }) => !abilities.needsAddress },
      );
      return value;
    } catch (error) {
      const isSure = this.#pool.there.every(({ abilities }) => abilities.needsAddress);
      if (isOf(error, "needs-address", "refused") && isSure) return null;
      throw error;
    }
  }
}

function isOf(error: unknown, ...kinds: RpcProblem["kind"][]): error is RpcProblem {
  return error instanceof RpcProblem && kinds.includes(error.kind);
}
