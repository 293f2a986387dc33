import { type Hex, numberToHex } from "viem";

const zeros = (bytes: number): Hex => `0x${"00".repeat(bytes)}`;
const NO_LOGS_BLOOM = zeros(256);
/** Says of every log that it may be in there, so everybody has to ask. */
const FULL_BLOOM: Hex = `0x${"ff".repeat(256)}`;
export const ZERO_HASH = zeros(32);

/** What a header says of its block, as far as it differs from others. */
export type Header = {
  number: number;
  hash: string;
  /** Undefined for the first block. */
  parentHash: string | undefined;
  /** In seconds since 1970. */
  timestamp: number;
  hasLogs: boolean;
};

/** A block's header as nodes tell it in JSON-RPC: the block without its transactions. */
export function headerJson({ number, hash, parentHash, timestamp, hasLogs }: Header): object {
  return {
    number: numberToHex(number),
    hash,
    parentHash: parentHash ?? ZERO_HASH,
    timestamp: numberToHex(timestamp),
    logsBloom: hasLogs ? FULL_BLOOM : NO_LOGS_BLOOM,
    nonce: zeros(8),
    sha3Uncles: ZERO_HASH,
    transactionsRoot: ZERO_HASH,
    stateRoot: ZERO_HASH,
    receiptsRoot: ZERO_HASH,
    mixHash: ZERO_HASH,
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
