import { numberToHex } from "viem";
import { headerJson, ZERO_HASH } from "../support/header-json.ts";
import type { Block, BlockLog } from "./simulated-chain.ts";

/** A block as nodes tell it in JSON-RPC. */
export function blockJson(block: Block, hasTransactions: boolean): Record<string, unknown> {
  return {
    ...headerJson({ ...block, parentHash: block.parent?.hash, hasLogs: block.logs.length > 0 }),
    transactions: block.transactions.map((transaction, index) =>
      hasTransactions ? transactionJson(block, index) : transaction.hash,
    ),
  };
}

/** A log as nodes tell it in JSON-RPC. */
export function logJson(block: Block, log: BlockLog): Record<string, unknown> {
  return {
    address: log.address,
    topics: log.topics,
    data: log.data,
    blockNumber: numberToHex(block.number),
    blockHash: block.hash,
    blockTimestamp: numberToHex(block.timestamp),
    transactionHash: block.transactions[log.transactionIndex]?.hash,
    transactionIndex: numberToHex(log.transactionIndex),
    logIndex: numberToHex(log.index),
    removed: false,
  };
}

function transactionJson(block: Block, index: number): Record<string, unknown> {
  const transaction = block.transactions[index];
  return {
    hash: transaction?.hash,
    blockHash: block.hash,
    blockNumber: numberToHex(block.number),
    transactionIndex: numberToHex(index),
    from: transaction?.from,
    to: transaction?.to,
    input: "0x",
    value: "0x0",
    nonce: "0x0",
    gas: "0x5208",
    gasPrice: "0x0",
    type: "0x0",
    v: "0x1b",
    r: ZERO_HASH,
    s: ZERO_HASH,
  };
}
