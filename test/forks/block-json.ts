import { numberToHex } from "viem";
import { receiptsJson } from "../support/header-json.ts";
import { transactionJson } from "../support/transaction-json.ts";
import type { Block, BlockLog } from "./simulated-chain.ts";

/** A block as nodes tell it in JSON-RPC. */
export function blockJson(block: Block, hasTransactions: boolean): Record<string, unknown> {
  return {
    ...block.header,
    transactions: block.transactions.map((transaction, index) =>
      hasTransactions ? transactionJson(transaction, block, index) : transaction.hash,
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

/** The receipts of a block, with its logs, as nodes tell them in JSON-RPC. */
export function receiptJson(block: Block): Record<string, unknown>[] {
  const logs = block.transactions.map((_, at) =>
    block.logs.filter(({ transactionIndex }) => transactionIndex === at),
  );
  return receiptsJson(logs).map((receipt, at) => ({
    ...receipt,
    logs: logs[at]?.map((log) => logJson(block, log)),
    transactionHash: block.transactions[at]?.hash,
    transactionIndex: numberToHex(at),
    blockHash: block.hash,
    blockNumber: numberToHex(block.number),
    from: block.transactions[at]?.from,
    to: block.transactions[at]?.to,
    gasUsed: "0x5208",
    effectiveGasPrice: "0x0",
    contractAddress: null,
  }));
}
