import type { Hex } from "../src/events/escrow-event.ts";
import { hex, wholeNumber } from "./chain-log.ts";
import { RpcProblem } from "./rpc-problem.ts";

/** A log as JSON-RPC has it, checked: all that a node sent is still there. */
export type RawLog = Record<string, unknown> & {
  address: Hex;
  topics: readonly Hex[];
  data: Hex;
  blockNumber: Hex;
  blockHash: Hex;
  transactionHash: Hex;
  transactionIndex: Hex;
  logIndex: Hex;
};

/** The filter of `eth_getLogs`, as the engine sends it. */
export type RawLogFilter = {
  address?: Hex | Hex[];
  topics?: (Hex | Hex[] | null)[];
} & ({ fromBlock: Hex; toBlock: Hex } | { blockHash: Hex });

const WORD = /^0x[0-9a-f]{64}$/;

/**
 * Checks that an answer to `eth_getLogs` can be true: each log lies in the range, has an address and
 * topics that were asked for, is not `removed`, and stands there once; logs of one block name one
 * hash. Puts them in the order of the chain, as some nodes do not.
 *
 * @throws RpcProblem `lie` when it cannot
 */
export function checkLogs(answer: unknown, filter: RawLogFilter): RawLog[] {
  if (!Array.isArray(answer)) throw new RpcProblem("lie", "the answer is no list of logs");
  const isWanted = matcher(filter);
  const hashes = new Map<number, string>();
  const seen = new Set<string>();
  const logs = (answer as RawLog[]).map((log) => {
    const block = wholeNumber(log?.blockNumber, "blockNumber");
    const index = wholeNumber(log.logIndex, "logIndex");
    const hash = hex(log.blockHash, WORD, "blockHash");
    hex(log.transactionHash, WORD, "transactionHash");
    wholeNumber(log.transactionIndex, "transactionIndex");
    hex(log.data, /^0x([0-9a-f]{2})*$/, "data");
    const what = `log ${index} of block ${block}`;
    if (log.removed === true) throw new RpcProblem("lie", `${what} is marked as removed`);
    hex(log.address, /^0x[0-9a-f]{40}$/, "address");
    for (const topic of Array.isArray(log.topics) ? log.topics : []) hex(topic, WORD, "topic");
    if (!Array.isArray(log.topics) || !isWanted(log, block, hash))
      throw new RpcProblem("lie", `${what} was not asked for`);
    if ((hashes.get(block) ?? hash) !== hash)
      throw new RpcProblem("lie", `logs of block ${block} name two hashes`);
    hashes.set(block, hash);
    if (seen.has(`${block}-${index}`)) throw new RpcProblem("lie", `${what} stands there twice`);
    seen.add(`${block}-${index}`);
    return { log, block, index };
  });
  return logs.sort((a, b) => a.block - b.block || a.index - b.index).map(({ log }) => log);
}

/** Whether a log is what the filter asks for; addresses and topics without regard to case. */
export function matcher(
  filter: RawLogFilter,
): (log: Pick<RawLog, "address" | "topics">, block: number, hash: string) => boolean {
  const addresses = lowerCase(filter.address);
  const topics = (filter.topics ?? []).map(lowerCase);
  return (log, block, hash) =>
    (addresses === null || addresses.has(String(log.address).toLowerCase())) &&
    topics.every(
      (wanted, at) => wanted === null || wanted.has(String(log.topics[at]).toLowerCase()),
    ) &&
    ("blockHash" in filter
      ? filter.blockHash.toLowerCase() === hash
      : block >= Number(filter.fromBlock) && block <= Number(filter.toBlock));
}

function lowerCase(values: Hex | Hex[] | null | undefined): Set<string> | null {
  if (values === null || values === undefined) return null;
  return new Set([values].flat().map((value) => value.toLowerCase()));
}
