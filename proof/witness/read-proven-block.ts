import { fromRlp, type Hex } from "viem";
import type { ChainLog } from "../../source/chain-log.ts";
import { keccakHex } from "../../source/keccak.ts";
import { bloomOf } from "../../source/log-bloom.ts";
import { bytesOf } from "../../source/rlp.ts";
import { EMPTY_ROOT, trieRootOf } from "../../source/trie-root-of.ts";
import type { ProvenBlockLine } from "./chain-proof.ts";

/** A block of which every byte is under its hash. */
export type ReadBlock = {
  number: number;
  hash: Hex;
  parentHash: Hex;
  /** Unix seconds. */
  timestamp: bigint;
  logsBloom: Hex;
  /** Of a block without transactions, whatever its bloom says, there is nothing to prove. */
  isEmpty: boolean;
  /** All of the block, in order; null without its receipts. */
  logs: ChainLog[] | null;
  /** Whether the hashes of the transactions are proven. */
  areHashesProven: boolean;
};

type Item = Hex | Item[];

const PLACES = { parentHash: 0, transactionsRoot: 4, receiptsRoot: 5, logsBloom: 6 } as const;
const NUMBER = 8;
const TIMESTAMP = 11;

/** The line does not prove what it claims. */
export class BadProof extends Error {
  override name = "BadProof";
}

/**
 * Reads a block of a proof: the hash is made of the header, and receipts and transactions give the
 * roots in it.
 *
 * @throws BadProof when they do not
 */
export async function readProvenBlock(line: ProvenBlockLine): Promise<ReadBlock> {
  const items = decode(line.header as Hex, "the header");
  const at = (place: number): Hex => items[place] as Hex;
  const number = Number(integer(at(NUMBER)));
  const hash = keccakHex(bytesOf(line.header as Hex));
  const receiptsRoot = at(PLACES.receiptsRoot);
  const block = {
    ...{ number, hash, parentHash: at(PLACES.parentHash), logsBloom: at(PLACES.logsBloom) },
    ...{ timestamp: integer(at(TIMESTAMP)), isEmpty: receiptsRoot === EMPTY_ROOT },
  };
  if (line.receipts === undefined) return { ...block, logs: null, areHashesProven: true };
  if (trieRootOf(line.receipts as Hex[]) !== receiptsRoot)
    throw new BadProof(`the receipts of block ${number} do not give the root in its header`);
  const hashes = await transactionHashes(line, number, at(PLACES.transactionsRoot));
  const logs = logsOf(line.receipts as Hex[], hashes, block);
  return { ...block, logs, areHashesProven: line.transactionHashes === undefined };
}

/** Whether the bloom in the header is exactly that of the logs under its root. */
export function isOwnBloom({ logsBloom, logs }: ReadBlock): boolean {
  return logs === null || bloomOf(logs) === logsBloom;
}

async function transactionHashes(
  { transactions, transactionHashes: believed }: ProvenBlockLine,
  number: number,
  root: Hex,
): Promise<readonly Hex[]> {
  if (transactions === undefined) return (believed ?? []) as Hex[];
  if (trieRootOf(transactions as Hex[]) !== root)
    throw new BadProof(`the transactions of block ${number} do not give the root in its header`);
  return (transactions as Hex[]).map((each) => keccakHex(bytesOf(each)));
}

/** EIP-2718: the type stands before the list. */
function logsOf(
  receipts: readonly Hex[],
  hashes: readonly Hex[],
  { number, hash }: { number: number; hash: Hex },
): ChainLog[] {
  let logIndex = 0;
  return receipts.flatMap((receipt, transactionIndex) => {
    const isTyped = Number(receipt.slice(0, 4)) < 0xc0;
    const fields = decode(isTyped ? `0x${receipt.slice(4)}` : receipt, `a receipt of ${number}`);
    return (fields[3] as [Hex, Hex[], Hex][]).map(([address, topics, data]) => ({
      ...{ address, topics, data, blockNumber: number, blockHash: hash },
      transactionHash: hashes[transactionIndex] ?? `0x${"0".repeat(64)}`,
      ...{ transactionIndex, logIndex: logIndex++ },
    }));
  });
}

function decode(rlp: Hex, what: string): Item[] {
  try {
    const items = fromRlp(rlp, "hex") as Item;
    if (Array.isArray(items)) return items;
  } catch (cause) {
    throw new BadProof(`${what} cannot be read`, { cause });
  }
  throw new BadProof(`${what} is no list`);
}

function integer(item: Hex): bigint {
  return item === "0x" ? 0n : BigInt(item);
}
