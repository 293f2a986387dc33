import type { BlockHeader } from "../../source/block-header.ts";
import { type ChainLog, inChainOrder } from "../../source/chain-log.ts";
import { inParallel } from "../../source/in-parallel.ts";
import { LogBloom } from "../../source/log-bloom.ts";
import { RpcProblem } from "../../source/rpc-problem.ts";
import type { Hex } from "../../src/events/escrow-event.ts";
import type { ChainReader } from "./chain-reader.ts";
import type { FollowedContracts } from "./followed-contracts.ts";
import { noteAnnouncement } from "./read-log.ts";

/** Everything that our contracts logged in a range of blocks, and what there is to judge it by. */
export type WindowLogs = {
  from: number;
  to: number;
  /** In the order of the chain. */
  logs: ChainLog[];
  /** Those of them that came only when a block's whole list was read. */
  leftOut: ChainLog[];
  /** Of every block that has one of the logs, of every examined one, and of the last. */
  headers: Map<number, BlockHeader>;
  /** Every log of each block that was read whole, whoever emitted it. */
  whole: Map<number, ChainLog[]>;
  /** Blocks whose bloom was looked at. */
  examined: number[];
  /** Whether the escrows' logs were read by topic: then unknown signatures did not show. */
  isByTopic: boolean;
};

/** There is more in the range than should be held at once. */
export class WindowTooFull extends Error {
  override name = "WindowTooFull";
}

export type WindowSettings = {
  contracts: FollowedContracts;
  reader: ChainReader;
  /** With more escrows than that, their logs are read by topic, from all contracts of the chain. */
  manyEscrows: number;
  /** Whether the bloom of a block is to be looked at. */
  isExamined: (block: number) => boolean;
};

const MOST_LOGS = 20_000;
const AT_ONCE = 16;
/** With more escrows than that, almost every bloom may hold one of them. */
const MOST_BLOOM_ESCROWS = 1_000;

/**
 * Reads a range of final blocks: the factories' logs, which announce escrows, the escrows' logs,
 * the headers concerned, and whole blocks whose bloom may hold a log of ours.
 *
 * @throws WindowTooFull when the range should be split
 * @throws RpcProblem when the endpoint does not answer
 */
export async function readWindowLogs(
  settings: WindowSettings,
  from: number,
  to: number,
): Promise<WindowLogs> {
  const { contracts, manyEscrows } = settings;
  const found = new Found(contracts, to > from);
  const { reader } = settings;
  for await (const { logs } of reader.parts({ address: contracts.factories }, from, to))
    found.add(logs);

  const isByTopic = contracts.children.length > manyEscrows;
  const escrowParts = isByTopic
    ? reader.parts({ topics: contracts.escrowTopics }, from, to)
    : reader.parts({ address: addressesOf(contracts, 0) }, from, to);
  for await (const { logs } of escrowParts) found.add(logs);

  const examined = blocksOf(from, to).filter(settings.isExamined);
  const headers = await readHeaders(settings, examined);
  const whole = await readWholeBlocks(settings, headers);
  const inWhole = new Found(contracts, to > from);
  const announced = contracts.children.length;
  for (const logs of whole.values()) inWhole.add(logs);
  // An escrow whose announcement the range left out was not asked for either.
  const newcomers = addressesOf(contracts, announced);
  for await (const { logs } of reader.parts({ address: newcomers }, from, to)) found.add(logs);
  const leftOut = inWhole.logs.filter((log) => !found.has(log));

  const logs = inChainOrder([...found.logs, ...leftOut]);
  // The last block always: who does not have it lags behind, and may have left out logs.
  const concerned = [...logs.map(({ blockNumber }) => blockNumber), to];
  const unread = [...new Set(concerned)].filter((block) => !headers.has(block));
  for (const [number, header] of await readHeaders(settings, unread)) headers.set(number, header);
  return { from, to, logs, leftOut, headers, whole, examined, isByTopic };
}

/** Logs of ours, each once. Takes note of the escrows that they announce. */
class Found {
  readonly #contracts: FollowedContracts;
  readonly #maySplit: boolean;
  readonly #logs = new Map<string, ChainLog>();

  constructor(contracts: FollowedContracts, maySplit: boolean) {
    this.#contracts = contracts;
    this.#maySplit = maySplit;
  }

  get logs(): ChainLog[] {
    return [...this.#logs.values()];
  }

  has(log: ChainLog): boolean {
    return this.#logs.has(keyOf(log));
  }

  add(logs: readonly ChainLog[]): void {
    for (const log of logs) noteAnnouncement(this.#contracts, log);
    for (const log of logs)
      if (this.#contracts.roleOf(log.address, log.blockNumber) !== null)
        this.#logs.set(keyOf(log), log);
    if (this.#logs.size > MOST_LOGS && this.#maySplit) throw new WindowTooFull();
  }
}

/**
 * Reads the whole list of every block that, by its bloom, may have a log of ours. A list that is
 * too long for the endpoint is left out.
 */
async function readWholeBlocks(
  { contracts, reader }: WindowSettings,
  headers: ReadonlyMap<number, BlockHeader>,
): Promise<Map<number, ChainLog[]>> {
  const escrows = contracts.children.length <= MOST_BLOOM_ESCROWS ? contracts.children : [];
  const emitters: [Hex[], Hex[]][] = [
    [[...contracts.factories], contracts.announcements],
    [escrows.map(({ address }) => address), contracts.escrowTopics],
  ];
  const suspects = [...headers.values()].filter(({ logsBloom }) => {
    const bloom = new LogBloom(logsBloom);
    return emitters.some(
      ([addresses, topics]) =>
        topics.some((topic) => bloom.mayHold(topic)) &&
        addresses.some((address) => bloom.mayHold(address)),
    );
  });
  const lists = await inParallel(suspects, AT_ONCE, async ({ number, hash }) => {
    try {
      return [[number, await reader.ofBlock(hash)] as const];
    } catch (error) {
      if (error instanceof RpcProblem && error.kind === "too-large") return [];
      throw error;
    }
  });
  return new Map(lists.flat());
}

async function readHeaders(
  { reader }: WindowSettings,
  blocks: readonly number[],
): Promise<Map<number, BlockHeader>> {
  const headers = await inParallel(blocks, AT_ONCE, (block) => reader.header(block));
  return new Map(headers.map((header) => [header.number, header]));
}

function addressesOf({ children }: FollowedContracts, from: number): Hex[] {
  return children.slice(from).map(({ address }) => address);
}

function keyOf({ blockHash, logIndex }: ChainLog): string {
  return `${blockHash}-${logIndex}`;
}

function blocksOf(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, at) => from + at);
}
