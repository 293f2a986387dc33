import type { Hex } from "../src/events/escrow-event.ts";
import { RpcProblem } from "./rpc-problem.ts";

/** A log as the chain has it, hex values in lower case. */
export type ChainLog = {
  address: Hex;
  topics: Hex[];
  data: Hex;
  blockNumber: number;
  blockHash: Hex;
  transactionHash: Hex;
  transactionIndex: number;
  logIndex: number;
};

/** What `eth_getLogs` is asked for. */
export type LogFilter = {
  address?: readonly Hex[];
  /** First topics; any one of them. */
  topics?: readonly Hex[];
} & ({ fromBlock: number; toBlock: number } | { blockHash: Hex });

const WORD = /^0x[0-9a-f]{64}$/;

/**
 * Reads the answer to `eth_getLogs`, in the order of the chain.
 *
 * @throws RpcProblem when it is no list of logs, or has one that was not asked for: then it is the
 *   answer of an endpoint that cannot be believed, and is asked for again
 */
export function parseLogs(answer: unknown, filter: LogFilter): ChainLog[] {
  if (!Array.isArray(answer)) throw unusable("the answer is no list of logs");
  const addresses = filter.address && new Set(filter.address);
  const topics = filter.topics && new Set(filter.topics);
  const logs = answer.map((raw) => {
    const log = parseLog(raw);
    const isAskedFor =
      (addresses?.has(log.address) ?? true) &&
      (topics?.has(log.topics[0] as Hex) ?? true) &&
      ("blockHash" in filter
        ? log.blockHash === filter.blockHash
        : log.blockNumber >= filter.fromBlock && log.blockNumber <= filter.toBlock);
    if (!isAskedFor)
      throw unusable(`log ${log.logIndex} of block ${log.blockNumber} was not asked for`);
    return log;
  });
  return inChainOrder(logs);
}

/** Without repetitions, by block and index. */
export function inChainOrder(logs: readonly ChainLog[]): ChainLog[] {
  const unique = new Map(logs.map((log) => [`${log.blockHash}-${log.logIndex}`, log]));
  return [...unique.values()].sort(
    (a, b) =>
      a.blockNumber - b.blockNumber ||
      a.logIndex - b.logIndex ||
      (a.blockHash < b.blockHash ? -1 : 1),
  );
}

function parseLog(raw: unknown): ChainLog {
  const log = (typeof raw === "object" && raw !== null ? raw : {}) as Record<string, unknown>;
  const topics = Array.isArray(log.topics) ? log.topics : [null];
  return {
    address: hex(log.address, /^0x[0-9a-f]{40}$/, "address"),
    topics: topics.map((topic) => hex(topic, WORD, "topic")),
    data: hex(log.data, /^0x([0-9a-f]{2})*$/, "data"),
    blockNumber: wholeNumber(log.blockNumber, "blockNumber"),
    blockHash: hex(log.blockHash, WORD, "blockHash"),
    transactionHash: hex(log.transactionHash, WORD, "transactionHash"),
    transactionIndex: wholeNumber(log.transactionIndex, "transactionIndex"),
    logIndex: wholeNumber(log.logIndex, "logIndex"),
  };
}

/** @throws RpcProblem when it is not lower or upper case hex of that form */
export function hex(value: unknown, form: RegExp, field: string): Hex {
  const lower = typeof value === "string" ? value.toLowerCase() : "";
  if (!form.test(lower)) throw unusable(`${field} is ${JSON.stringify(value)}`);
  return lower as Hex;
}

/** @throws RpcProblem when it is no whole number in hex */
export function wholeNumber(value: unknown, field: string): number {
  const number = typeof value === "string" && /^0x[0-9a-f]+$/i.test(value) ? Number(value) : NaN;
  if (!Number.isSafeInteger(number)) throw unusable(`${field} is ${JSON.stringify(value)}`);
  return number;
}

function unusable(words: string): RpcProblem {
  return new RpcProblem("transient", `it cannot be used: ${words}`);
}
