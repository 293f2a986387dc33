import { parseLogs } from "../../source/chain-log.ts";
import type { ChainSource } from "../../source/chain-source.ts";
import { inParallel } from "../../source/in-parallel.ts";
import type { ProvenReceipts } from "../../source/proven-receipts.ts";
import type { RawBlock } from "../../source/raw-block.ts";
import type { RawReceipt } from "../../source/receipts-root.ts";
import { RpcProblem } from "../../source/rpc-problem.ts";
import { EMPTY_ROOT } from "../../source/trie-root-of.ts";
import type { EscrowEvent } from "../../src/events/escrow-event.ts";
import { lower } from "../../src/events/lower.ts";
import { newest } from "../audit/event-differences.ts";
import type { FollowedContracts } from "../audit/followed-contracts.ts";
import { noteAnnouncement, readLog } from "../audit/read-log.ts";
import { BloomWatch } from "./bloom-watch.ts";
import { type HeaderRange, provenHeaders, Unprovable } from "./proven-headers.ts";

/** A block of which it is proven what our contracts logged in it. */
export type ProvenBlock = {
  number: number;
  /** As a node sent it, without its transactions: what the hash is made of is all there. */
  header: RawBlock;
  /** As a node sent them; null where the header alone proves that no log of ours is in the block. */
  receipts: readonly RawReceipt[] | null;
  /** Of our contracts, in the order of the log, payloads in the newest version. */
  events: EscrowEvent[];
};

export type ProvenRange = HeaderRange & {
  /** What is followed; escrows that the range announces are added as they are found. */
  contracts: FollowedContracts;
  /** Of `contracts`; kept by whoever proves many ranges. */
  watch?: BloomWatch;
  /** Blocks whose receipts are read, whatever their blooms say. */
  alsoReceiptsOf?: ReadonlySet<number>;
};

/** Blocks whose receipts are held at the same time: each may be megabytes. */
const RECEIPTS_AT_ONCE = 8;

/**
 * Proves what our contracts logged in a range of blocks, with nothing but the hash of its last block:
 * each header makes its hash and is linked to the next one, and where its bloom speaks of a contract
 * of ours, or the chain's blooms are not to be relied on, all receipts of the block rebuild the root
 * in its header. Held at a time are the range's headers and the receipts of a few blocks.
 *
 * @returns the blocks of the range in their order
 * @throws Unprovable, OtherBranch, or RpcProblem when nobody gives what is needed
 */
export async function* proveRange(range: ProvenRange): AsyncGenerator<ProvenBlock> {
  const { source, contracts, watch = new BloomWatch(contracts) } = range;
  const headers = await provenHeaders(range);
  const needed = new Array<boolean>(headers.length).fill(false);
  let known: number | undefined;
  let bloom = source.status.bloom;
  const look = (from: number): void => {
    const isBloomTrusted = bloom === "trusted";
    for (let at = from; at < headers.length; at++) {
      const header = headers[at] as RawBlock;
      const isUsed = isBloomTrusted && !range.alsoReceiptsOf?.has(Number(header.number));
      needed[at] ||= needsReceipts(header, isUsed, watch, known);
    }
    known = contracts.children.length;
  };
  look(0);
  const read = new Map<number, ProvenReceipts>();
  for (const [at, header] of headers.entries()) {
    if (source.status.bloom !== bloom) {
      // What was seen of the chain's blooms says now that more is needed, or less.
      bloom = source.status.bloom;
      needed.fill(false, at);
      known = undefined;
    }
    // Escrows that were announced meanwhile may concern what comes behind.
    if (contracts.children.length !== known) look(at);
    if (needed[at] && !read.has(at)) await readAhead(range, headers, needed, at, read);
    const receipts = read.get(at) ?? null;
    read.delete(at);
    yield {
      ...{ number: Number(header.number), header },
      ...{ receipts: receipts?.receipts ?? null },
      events: receipts === null ? [] : await eventsOf(source, contracts, header, receipts),
    };
  }
}

/** @param known how many escrows were known when the block was looked at before */
function needsReceipts(
  header: RawBlock,
  isBloomUsed: boolean,
  watch: BloomWatch,
  known: number | undefined,
): boolean {
  return hasReceipts(header) && (!isBloomUsed || watch.concerns(header.logsBloom, known));
}

/** Whether there are any, by the root of them. */
export function hasReceipts({ receiptsRoot }: RawBlock): boolean {
  return String(receiptsRoot).toLowerCase() !== EMPTY_ROOT;
}

/** Reads the receipts of a block, and of the next few that are known to need them. */
async function readAhead(
  { source, atOnce }: ProvenRange,
  headers: readonly RawBlock[],
  needed: readonly boolean[],
  from: number,
  read: Map<number, ProvenReceipts>,
): Promise<void> {
  const next: number[] = [];
  for (let at = from; at < headers.length && read.size + next.length < RECEIPTS_AT_ONCE; at++)
    if (needed[at] && !read.has(at)) next.push(at);
  if (!next.includes(from)) next.push(from);
  await inParallel(next, atOnce, async (at) => {
    read.set(at, await receiptsOf(source, headers[at] as RawBlock));
  });
}

async function receiptsOf(source: ChainSource, header: RawBlock): Promise<ProvenReceipts> {
  try {
    return await source.provenReceipts(header);
  } catch (error) {
    if (!(error instanceof RpcProblem) || error.kind !== "refused") throw error;
    throw new Unprovable(`chain ${source.chainId}: ${error.message}`, { cause: error });
  }
}

/** Announcements first: an escrow's own log stands before the one that announces it. */
async function eventsOf(
  source: ChainSource,
  contracts: FollowedContracts,
  header: RawBlock,
  { logs }: ProvenReceipts,
): Promise<EscrowEvent[]> {
  const filter = { blockHash: lower(header.hash) };
  const number = Number(header.number);
  for (const log of parseLogs(logs, filter)) noteAnnouncement(contracts, log);
  const ours = logs.filter(({ address }) => contracts.roleOf(lower(address), number) !== null);
  const parsed = parseLogs(await source.withTransactions(header, ours), filter);
  return parsed.flatMap((log) => {
    const result = readLog(source.chainId, contracts, log, BigInt(header.timestamp));
    return result?.is === "event" ? [newest(result.event)] : [];
  });
}
