import { type Hex, numberToHex, padHex } from "viem";
import { headerJson, receiptsJson } from "../../test/support/header-json.ts";
import type { LogFilter } from "../../test/support/log-filter.ts";
import {
  encodeTransaction,
  transactionHash,
  transactionJson,
} from "../../test/support/transaction-json.ts";
import { hashOf } from "./chain-file.ts";
import { CHAIN_ID, type ChainBlock, type ChainLog } from "./escrow-chain.ts";

export type RpcRequest = { id: number; method: string; params?: unknown[] };
type Log = ChainLog & { json: string };
type Block = {
  logs: Log[];
  /** Without its last field, `transactions`. */
  header: string;
  transactions: string;
  transactionHashes: string;
};

/** Answers of a node for a chain that is known in advance, made when a block is appended. */
export class RecordedChain {
  readonly #blocks: Block[] = [];
  readonly #numbers = new Map<string, number>();
  /** Of each escrow, in the order of the chain. */
  readonly #arbiters = new Map<string, { from: number; arbiter: Hex }[]>();
  #parentHash: Hex | undefined;
  #head = 0;

  constructor() {
    this.append({ number: 0, timestamp: 1_500_000_000, transactions: [] });
  }

  get head(): number {
    return this.#head;
  }

  /** The highest block that exists for now. */
  set head(number: number) {
    this.#head = Math.min(number, this.#blocks.length - 1);
  }

  append({ number, timestamp, transactions }: ChainBlock): void {
    const made = transactions.map(({ from, to }, index) => ({
      from,
      to,
      salt: hashOf(number, index),
    }));
    const header = headerJson({
      ...{ number, timestamp, parentHash: this.#parentHash },
      transactions: made.map(encodeTransaction),
      logs: transactions.map(({ logs }) => logs),
      salt: "recorded",
    });
    const { hash: blockHash } = header;
    this.#parentHash = blockHash;
    const at = { blockNumber: numberToHex(number), blockHash };
    const hashes = made.map(transactionHash);
    let logIndex = 0;
    const logs = transactions.flatMap((transaction, index) =>
      transaction.logs.map((log): Log => {
        const json = JSON.stringify({
          ...log,
          ...at,
          blockTimestamp: numberToHex(timestamp),
          transactionHash: hashes[index],
          transactionIndex: numberToHex(index),
          logIndex: numberToHex(logIndex++),
          removed: false,
        });
        return { ...log, json };
      }),
    );
    this.#blocks.push({
      logs,
      header: JSON.stringify(header).slice(0, -1),
      transactions: JSON.stringify(
        made.map((each, index) => transactionJson(each, { number, hash: blockHash }, index)),
      ),
      transactionHashes: JSON.stringify(hashes),
    });
    for (const { logs, arbiter } of transactions) {
      const [first] = logs;
      if (arbiter === undefined || first === undefined) continue;
      const before = this.#arbiters.get(first.address) ?? [];
      this.#arbiters.set(first.address, [...before, { from: number, arbiter }]);
    }
    this.#numbers.set(blockHash, number);
    this.#head = number;
  }

  /** The response to a request, as JSON. */
  answer({ id, method, params = [] }: RpcRequest): string {
    const result = this.#result(method, params);
    return result === undefined
      ? `{"jsonrpc":"2.0","id":${id},"error":{"code":-32601,"message":"${method} is not recorded"}}`
      : `{"jsonrpc":"2.0","id":${id},"result":${result}}`;
  }

  #result(method: string, [first, second]: unknown[]): string | undefined {
    switch (method) {
      case "eth_chainId":
        return `"${numberToHex(CHAIN_ID)}"`;
      case "eth_blockNumber":
        return `"${numberToHex(this.#head)}"`;
      case "eth_getCode":
        return '"0x60"';
      case "eth_getBlockByNumber":
        return this.#block(this.#numberOf(first), second === true);
      case "eth_getBlockByHash":
        return this.#block(this.#numbers.get(String(first)) ?? Infinity, second === true);
      case "eth_getLogs":
        return this.#logs(first as LogFilter);
      case "eth_getBlockReceipts":
        return this.#receipts(this.#numbers.get(String(first)) ?? Infinity);
      case "eth_call":
        return this.#arbiter(first as { to: string }, second as { blockHash: string });
      default:
        return undefined;
    }
  }

  /** All that an indexer asks a contract. */
  #arbiter({ to }: { to: string }, { blockHash }: { blockHash: string }): string {
    const number = this.#numbers.get(blockHash) ?? -1;
    const last = this.#arbiters.get(to)?.findLast(({ from }) => from <= number);
    return last === undefined ? '"0x"' : `"${padHex(last.arbiter, { size: 32 })}"`;
  }

  #numberOf(tag: unknown): number {
    return tag === "latest" || tag === "pending" ? this.#head : Number(tag);
  }

  #block(number: number, hasTransactions: boolean): string {
    const block = number <= this.#head ? this.#blocks[number] : undefined;
    if (block === undefined) return "null";
    const { header, transactions, transactionHashes } = block;
    return `${header},"transactions":${hasTransactions ? transactions : transactionHashes}}`;
  }

  #receipts(number: number): string {
    const block = number <= this.#head ? this.#blocks[number] : undefined;
    if (block === undefined) return "null";
    const hashes = JSON.parse(block.transactionHashes) as string[];
    const logs = block.logs.map(({ json }) => JSON.parse(json));
    const ofEach = hashes.map((hash) => logs.filter((log) => log.transactionHash === hash));
    return JSON.stringify(
      receiptsJson(ofEach).map((receipt, index) => ({
        ...receipt,
        transactionHash: hashes[index],
        transactionIndex: numberToHex(index),
      })),
    );
  }

  #logs({ blockHash, fromBlock, toBlock, address, topics = [] }: LogFilter): string {
    const only = blockHash === undefined ? undefined : (this.#numbers.get(blockHash) ?? Infinity);
    const from = only ?? this.#numberOf(fromBlock ?? "0x0");
    const to = Math.min(only ?? this.#numberOf(toBlock ?? "latest"), this.#head);
    const addresses = setOf(address);
    const wanted = topics.map((topic) => setOf(topic ?? undefined));
    const found: string[] = [];
    for (let number = from; number <= to; number++)
      for (const log of this.#blocks[number]?.logs ?? [])
        if (
          (addresses?.has(log.address) ?? true) &&
          wanted.every((topic, at) => topic?.has(log.topics[at] ?? "") ?? true)
        )
          found.push(log.json);
    return `[${found.join(",")}]`;
  }
}

/** Null matches everything. */
function setOf(value: string | string[] | undefined): Set<string> | null {
  if (value === undefined) return null;
  return new Set([value].flat().map((each) => each.toLowerCase()));
}
