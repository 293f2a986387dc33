import { numberToHex } from "viem";
import type { Hex } from "../../src/events/escrow-event.ts";
import type { Block, BlockLog } from "./simulated-chain.ts";

const zeros = (bytes: number): Hex => `0x${"00".repeat(bytes)}`;
const NO_LOGS_BLOOM = zeros(256);
/** Says of every log that it may be in there, so everybody has to ask. */
const FULL_BLOOM = `0x${"ff".repeat(256)}`;

/** A block as nodes tell it in JSON-RPC. */
export function blockJson(block: Block, hasTransactions: boolean): Record<string, unknown> {
  return {
    number: numberToHex(block.number),
    hash: block.hash,
    parentHash: block.parent?.hash ?? zeros(32),
    timestamp: numberToHex(block.timestamp),
    logsBloom: block.logs.length === 0 ? NO_LOGS_BLOOM : FULL_BLOOM,
    transactions: block.transactions.map((transaction, index) =>
      hasTransactions ? transactionJson(block, index) : transaction.hash,
    ),
    nonce: zeros(8),
    sha3Uncles: zeros(32),
    transactionsRoot: zeros(32),
    stateRoot: zeros(32),
    receiptsRoot: zeros(32),
    mixHash: zeros(32),
    miner: zeros(20),
    difficulty: "0x0",
    totalDifficulty: "0x0",
    extraData: "0x",
    size: "0x400",
    gasLimit: "0x1c9c380",
    gasUsed: "0x5208",
    baseFeePerGas: "0x0",
    uncles: [],
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
    r: zeros(32),
    s: zeros(32),
  };
}
