import { once } from "node:events";
import { createWriteStream, renameSync } from "node:fs";
import { finished } from "node:stream/promises";
import { createGzip } from "node:zlib";
import type { ChainDeployment } from "../../config/chain-deployment.ts";
import type { ChainSource } from "../../source/chain-source.ts";
import { encodeHeader } from "../../source/header-hash.ts";
import { encodeReceipt } from "../../source/receipts-root.ts";
import { encodeTransactions } from "../../source/transactions-root.ts";
import type { Hex } from "../../src/events/escrow-event.ts";
import { FollowedContracts } from "../audit/followed-contracts.ts";
import { addToHistory, EMPTY_HISTORY } from "../audit/history-hash.ts";
import { BloomWatch } from "./bloom-watch.ts";
import type { ProofEnd, ProofHead, ProvenBlockLine } from "./chain-proof.ts";
import { type ProvenBlock, proveRange } from "./prove-range.ts";

export type ChainProofOptions = {
  source: ChainSource;
  chain: Pick<ChainDeployment, "chainId" | "name" | "factories">;
  /** Both included. */
  from: number;
  to: number;
  /** Where the file is put when it is whole. */
  path: string;
  tool: string;
  signal: AbortSignal;
  /** Called with the last block that was written. */
  onProgress?(block: number): void;
};

const BLOCKS_AT_ONCE = 200;
const REQUESTS_AT_ONCE = 16;

/**
 * Reads a range of a chain and writes the proof of what our contracts logged in it; in one piece: a
 * file that is there is whole. Memory holds the headers of some hundred blocks, and a few receipts.
 *
 * @throws UnknownLayout, OtherBranch, or RpcProblem when nobody gives what is needed
 */
export async function writeChainProof(options: ChainProofOptions): Promise<ProofEnd> {
  const { source, chain, from, to, path, signal, onProgress } = options;
  const contracts = new FollowedContracts(chain);
  const watch = new BloomWatch(contracts);
  const head = await headOf(options, contracts.start);
  const file = createWriteStream(`${path}.draft`);
  const gzip = createGzip();
  const done = finished(gzip.pipe(file));
  // Whatever ends the file is thrown where it is written to.
  done.catch(() => undefined);
  const write = async (line: object): Promise<void> => {
    if (!gzip.write(`${JSON.stringify(line)}\n`)) await Promise.race([once(gzip, "drain"), done]);
  };
  try {
    await write(head);
    let history = EMPTY_HISTORY;
    let receiptsBlocks = 0;
    let parentHash: Hex | null = null;
    for (let first = from; first <= to; first += BLOCKS_AT_ONCE) {
      const last = Math.min(to, first + BLOCKS_AT_ONCE - 1);
      const lastHash: Hex =
        last === to
          ? (head.lastBlockHash as Hex)
          : (await source.block({ number: last })).block.hash;
      const range = { from: first, to: last, parentHash, lastHash, atOnce: REQUESTS_AT_ONCE };
      for await (const block of proveRange({ ...range, source, contracts, watch })) {
        signal.throwIfAborted();
        await write(await lineOf(source, block));
        for (const event of block.events) history = addToHistory(history, event);
        receiptsBlocks += block.receipts === null ? 0 : 1;
      }
      parentHash = lastHash;
      onProgress?.(last);
    }
    const escrows = contracts.children.length;
    const end = { blocks: to - from + 1, receiptsBlocks, escrows, ...history };
    await write(end);
    gzip.end();
    await done;
    // The chain's blooms turned out to be false: receipts of every block are needed.
    if (head.areBloomsUsed && source.status.bloom === "distrusted")
      return await writeChainProof(options);
    renameSync(`${path}.draft`, path);
    return end;
  } finally {
    gzip.destroy();
    file.destroy();
  }
}

async function headOf(
  { source, chain, from, to, tool }: ChainProofOptions,
  start: number,
): Promise<ProofHead> {
  const { block } = await source.block({ number: to });
  const { endpoints, bloom } = source.status;
  return {
    ...{ kind: "escrow-stream chain proof", version: 1, tool, madeAt: new Date().toISOString() },
    ...{ chainId: chain.chainId, name: chain.name },
    factories: chain.factories.map(({ address, startBlock, revision }) => ({
      ...{ address: address.toLowerCase(), startBlock },
      ...(revision === undefined ? {} : { revision }),
    })),
    ...{ from, to, lastBlockHash: block.hash.toLowerCase(), isWholeHistory: from <= start },
    areBloomsUsed: bloom !== "distrusted",
    headNamedBy: endpoints.filter(({ breaker }) => breaker !== "out").map(({ host }) => host),
  };
}

async function lineOf(
  source: ChainSource,
  { header, receipts, events }: ProvenBlock,
): Promise<ProvenBlockLine> {
  const line: ProvenBlockLine = { header: encodeHeader(header) };
  if (receipts === null) return line;
  line.receipts = receipts.map(encodeReceipt);
  if (events.length === 0) return line;
  const { block } = await source.block({ hash: header.hash }, true);
  const transactions = encodeTransactions(block);
  if (transactions !== null) line.transactions = transactions;
  else line.transactionHashes = (block.transactions as { hash: Hex }[]).map(({ hash }) => hash);
  return line;
}
