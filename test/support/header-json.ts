import { createHash } from "node:crypto";
import { type Hex, keccak256, numberToHex, toRlp } from "viem";
import { bloomOf } from "../../source/log-bloom.ts";
import { trieRootOf } from "../../source/trie-root-of.ts";

const zeros = (bytes: number): Hex => `0x${"00".repeat(bytes)}`;
const ZERO_HASH = zeros(32);
const NO_UNCLES: Hex = "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347";
const GAS_USED = 21_000;

type Log = { address: Hex; topics: readonly Hex[]; data: Hex };

/** What a header says of its block, as far as it differs from others. */
export type Header = {
  number: number;
  /** Undefined for the first block. */
  parentHash: Hex | undefined;
  /** In seconds since 1970. */
  timestamp: number;
  /** The logs of each transaction. */
  logs: readonly (readonly Log[])[];
  /** The transactions as the root is made of them; none unless given. */
  transactions?: readonly Hex[];
  /** Tells blocks apart that are the same otherwise. */
  salt: string;
  /** Another one than that of the logs. */
  logsBloom?: Hex | undefined;
};

/** A header as nodes have it in JSON-RPC, with the hash, bloom and roots that it has to have. */
export type HeaderJson = Record<string, unknown> & { hash: Hex; logsBloom: Hex };

/** The block without its transactions: of Ethereum's London fork, as the simulated chains are. */
export function headerJson({
  number,
  parentHash,
  timestamp,
  logs,
  transactions = [],
  salt,
  logsBloom = bloomOf(logs.flat()),
}: Header): HeaderJson {
  const fields = {
    parentHash: parentHash ?? ZERO_HASH,
    sha3Uncles: NO_UNCLES,
    miner: zeros(20),
    stateRoot: `0x${createHash("sha256").update(salt).digest("hex")}` as Hex,
    transactionsRoot: trieRootOf(transactions),
    receiptsRoot: trieRootOf(receiptsJson(logs).map(encodeReceipt)),
    logsBloom,
    difficulty: "0x0" as Hex,
    number: numberToHex(number),
    gasLimit: "0x1c9c380" as Hex,
    gasUsed: "0x5208" as Hex,
    timestamp: numberToHex(timestamp),
    extraData: "0x" as Hex,
    mixHash: ZERO_HASH,
    nonce: zeros(8),
    baseFeePerGas: "0x0" as Hex,
  };
  const hash = keccak256(toRlp(Object.entries(fields).map(([name, value]) => itemOf(name, value))));
  return { ...fields, hash, totalDifficulty: "0x0", size: "0x400", uncles: [] };
}

/** The receipts of a block's transactions, as far as they are in the root. */
export function receiptsJson(logs: Header["logs"]): {
  status: Hex;
  cumulativeGasUsed: Hex;
  logsBloom: Hex;
  logs: readonly Log[];
  type: Hex;
}[] {
  return logs.map((each, index) => ({
    type: "0x0",
    status: "0x1",
    cumulativeGasUsed: numberToHex(GAS_USED * (index + 1)),
    logsBloom: bloomOf(each),
    logs: each,
  }));
}

function encodeReceipt(receipt: ReturnType<typeof receiptsJson>[number]): Hex {
  const { status, cumulativeGasUsed, logsBloom, logs } = receipt;
  return toRlp([
    status.length % 2 === 0 ? status : `0x0${status.slice(2)}`,
    itemOf("gasUsed", cumulativeGasUsed),
    logsBloom,
    logs.map(({ address, topics, data }) => [address, [...topics], data]),
  ] as never) as Hex;
}

const INTEGERS = new Set([
  "difficulty",
  "number",
  "gasLimit",
  "gasUsed",
  "timestamp",
  "baseFeePerGas",
]);

function itemOf(name: string, value: Hex): Hex {
  if (!INTEGERS.has(name)) return value;
  const digits = value.slice(2).replace(/^0+/, "");
  return digits === "" ? "0x" : `0x${digits.length % 2 === 0 ? "" : "0"}${digits}`;
}
