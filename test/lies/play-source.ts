import { setTimeout } from "node:timers/promises";
import { type Abi, type Hex, numberToHex, toEventSelector } from "viem";
import { escrowAAbi } from "../../abis/escrow-a.ts";
import { escrowBAbi } from "../../abis/escrow-b.ts";
import { escrowFactoryAAbi } from "../../abis/escrow-factory-a.ts";
import { escrowFactoryBAbi } from "../../abis/escrow-factory-b.ts";
import type { SeededRandom } from "../../local/chain/seeded-random.ts";
import type { answerEngine } from "../../source/answer-engine.ts";
import type { chainEvidence } from "../../source/chain-evidence.ts";
import type { ChainSource } from "../../source/chain-source.ts";
import { LogBloom } from "../../source/log-bloom.ts";
import type { openSource } from "../../source/open-sources.ts";
import { hurriedClock } from "./hurried-clock.ts";
import { Liar } from "./liar.ts";
import { emptyVerdict, isClean, type LieVerdict } from "./lie-verdict.ts";
import { LyingNode } from "./lying-node.ts";
import type { NamedLie } from "./named-lie.ts";
import type { BedBlock, BedLog, SourceBed } from "./source-bed.ts";

/** The source under test: the project's own, or that of a copy with a rule switched off. */
export type SourceCode = {
  answerEngine: typeof answerEngine;
  chainEvidence: typeof chainEvidence;
  openSource: typeof openSource;
};

export type SourceGame = { lie: NamedLie; nodes: number; random: SeededRandom };

const HEAD_LOOKS = 6;
const BETWEEN_LOOKS_MS = 900;
/** As often as the engine asks before it gives up and is started again. */
const ENGINE_ATTEMPTS = 4;
/** The relay looks again and again, until evidence is there. */
const EVIDENCE_LOOKS = 25;
const HEIGHTS_OF_EVIDENCE = 6;

const FACTORY_TOPICS = topicsOf(escrowFactoryAAbi, escrowFactoryBAbi);
const EVENT_TOPICS = [...FACTORY_TOPICS, ...topicsOf(escrowAAbi, escrowBAbi)];
const PATIENCE_MS = 100_000;
const TIMEOUT_MS = 8_000;
/** Where the lie is that no answer comes, nobody has to wait as long for it as for a slow node. */
const TIMEOUT_OF_HANGS_MS = 1_500;
/** For one question: hangs are few, and cost no more than that each. */
const PATIENCE_WITH_HANGS_MS = 15_000;

/**
 * What the source alone makes of a lie: reads a chain as the engine does, head, ranges, blocks and
 * their logs, and asks for evidence as the relay does.
 *
 * @returns the verdict, and how many lies were told
 */
export async function playSource(
  code: SourceCode,
  bed: SourceBed,
  { lie, nodes: count, random }: SourceGame,
): Promise<{ verdict: LieVerdict; lies: number }> {
  const nodes = await Promise.all(
    Array.from({ length: count }, () => LyingNode.start(bed.chain.rpcUrl)),
  );
  const [first] = nodes as [LyingNode];
  const liar = new Liar(first, { lies: [lie], random, isAlone: count === 1 });
  for (const node of nodes.slice(1)) node.lie = lie.everywhere ?? node.lie;
  for (const node of nodes)
    for (const block of bed.dropped) node.dropped.set(Number(block.number), block);
  liar.lies(true);
  const clock = hurriedClock();
  first.now = () => clock.now();
  const source = code.openSource(
    {
      ...{ chainId: bed.chain.chainId, factories: bed.factories },
      ...{ rpcUrls: nodes.map(({ url }) => url) },
      ...(lie.agree === undefined ? {} : { rpcAgree: lie.agree }),
    },
    {
      ...{ requestsPerSecond: 10_000, say: () => undefined, clock },
      timeoutMs: lie.atMost === undefined ? TIMEOUT_MS : TIMEOUT_OF_HANGS_MS,
    },
  );
  const verdict = emptyVerdict();
  try {
    // Beside honest endpoints, a liar never has the engine refused.
    const onRefused = (error: Error): void => {
      if (count > 1) verdict.misjudged.push(`the engine was refused: ${error.message}`);
    };
    const patienceMs = lie.atMost === undefined ? PATIENCE_MS : PATIENCE_WITH_HANGS_MS;
    const engine = engineOf(code, source, onRefused);
    const ask: Ask = (method, params) => within(patienceMs, engine(method, params));
    const others = {
      isAlone: count === 1,
      seek: (blockHash: Hex) => code.answerEngine(source, "eth_getLogs", [{ blockHash }]),
    };
    await source.survey();
    const steps: Record<string, () => Promise<unknown>> = {
      heads: () => heads(ask, bed, clock, verdict),
      ranges: async () => compare(bed.logs, await ranges(ask, bed), verdict),
      blocks: async () => compare(bed.logs, await blocks(ask, bed, others, verdict), verdict),
      evidence: () => evidence(code, source, bed, clock, verdict),
    };
    // One that goes wrong says enough.
    for (const [what, step] of Object.entries(steps))
      if (isClean(verdict)) await judge(verdict, what, step);
    blame(source, lie, liar.told, verdict);
    if (first.impatient > 0)
      verdict.misjudged.push(`it was asked ${first.impatient} times within a pause`);
    return { verdict, lies: liar.lies(false) };
  } finally {
    for (const node of nodes) await node.stop();
  }
}

type Ask = (method: string, params: unknown[]) => Promise<unknown>;
type Clock = ReturnType<typeof hurriedClock>;

/** Asks as the engine does, which tries again when it is refused. */
function engineOf(
  { answerEngine }: SourceCode,
  source: ChainSource,
  onRefused: (error: Error) => void,
): Ask {
  return async (method, params) => {
    for (let attempt = 1; ; attempt++)
      try {
        return await answerEngine(source, method, params);
      } catch (error) {
        onRefused(error as Error);
        if (attempt === ENGINE_ATTEMPTS) throw error;
      }
  };
}

function topicsOf(...abis: Abi[]): Hex[] {
  return abis.flatMap((abi) =>
    abi.filter((item) => item.type === "event").map((event) => toEventSelector(event)),
  );
}

async function judge(
  verdict: LieVerdict,
  what: string,
  read: () => Promise<unknown>,
): Promise<void> {
  await within(PATIENCE_MS, read()).catch((error: Error) => {
    verdict.stuck.push(`${what}: ${error.message}`);
  });
}

/** @throws Error when it does not come in time */
async function within<T>(patienceMs: number, answer: Promise<T>): Promise<T> {
  const isThere = new AbortController();
  const patience = setTimeout(patienceMs, undefined, { signal: isThere.signal }).then(() => {
    throw new Error("no answer in time");
  });
  try {
    return await Promise.race([answer, patience]);
  } finally {
    isThere.abort();
    await patience.catch(() => undefined);
  }
}

/** The head is there, and never falls. */
async function heads(ask: Ask, bed: SourceBed, clock: Clock, verdict: LieVerdict): Promise<void> {
  let last = 0;
  for (let look = 0; look < HEAD_LOOKS; look++) {
    const { number } = (await ask("eth_getBlockByNumber", ["latest", false])) as BedBlock;
    if (Number(number) < last) verdict.misjudged.push(`the head fell from ${last}`);
    last = Math.max(last, Number(number));
    await clock.sleep(BETWEEN_LOOKS_MS);
  }
  if (last !== bed.blocks.length - 1) verdict.stuck.push(`the head is ${last}`);
}

/** As a backfill does: the factories' logs, then those of all that they made. */
async function ranges(ask: Ask, { blocks: all, chain, emitters }: SourceBed): Promise<BedLog[]> {
  const { revisionA, revisionB } = chain.factories;
  const factories = [revisionA, revisionB].map(({ address }) => address.toLowerCase());
  const middle = Math.floor(all.length / 2);
  const logs: BedLog[] = [];
  for (const [from, to] of [
    [0, middle],
    [middle + 1, all.length - 1],
  ] as const) {
    const range = { fromBlock: numberToHex(from), toBlock: numberToHex(to) };
    const escrows = emitters.filter((each) => !factories.includes(each.toLowerCase()));
    for (const filter of [
      { ...range, address: factories, topics: [FACTORY_TOPICS] },
      { ...range, address: escrows },
    ]) {
      const part = (await ask("eth_getLogs", [filter])) as BedLog[];
      if (!isInOrder(part)) throw new Error("logs are out of order");
      logs.push(...part);
    }
  }
  return logs;
}

/** As the live side does: each block, by number and hash, and its logs unless its bloom has none. */
async function blocks(
  ask: Ask,
  { blocks: all, dropped }: SourceBed,
  { isAlone, seek }: { isAlone: boolean; seek: (blockHash: Hex) => Promise<unknown> },
  verdict: LieVerdict,
): Promise<BedLog[]> {
  const logs: BedLog[] = [];
  for (const { number, hash } of all) {
    const look = async () => (await ask("eth_getBlockByNumber", [number, true])) as BedBlock;
    const isDropped = (block: BedBlock): boolean =>
      dropped.some((each) => each.hash === block?.hash);
    let byNumber = await look();
    // One of a branch that was dropped has all that a block has, until nobody has its logs.
    if (isDropped(byNumber)) {
      await seek(byNumber.hash).catch(() => undefined);
      byNumber = await look();
    }
    const byHash = (await ask("eth_getBlockByHash", [hash, true])) as BedBlock;
    // Where nobody else can be asked, the engine follows the parents.
    for (const block of isAlone && isDropped(byNumber) ? [byHash] : [byNumber, byHash])
      if (!isBlock(block) || factsOf(block) !== factsOf(all[Number(number)] as BedBlock, block))
        verdict.differing += 1;
    if (isBlock(byHash) && mayHoldOurs(byHash))
      logs.push(...((await ask("eth_getLogs", [{ blockHash: hash }])) as BedLog[]));
  }
  return logs;
}

/** The engine skips blocks by their bloom, unless it is withheld. */
function mayHoldOurs({ logsBloom }: BedBlock): boolean {
  const bloom = new LogBloom(logsBloom as Hex);
  return bloom.isEmpty || EVENT_TOPICS.some((topic) => bloom.mayHold(topic));
}

/** What of a block decides rows. A bloom may be withheld. */
function factsOf(block: BedBlock, { logsBloom }: BedBlock = block): string {
  const { hash, number, parentHash, timestamp } = block;
  const isWithheld = /^0x0*$/.test(String(logsBloom));
  return [hash, number, parentHash, timestamp, isWithheld ? "" : block.logsBloom].join();
}

function isBlock(answer: BedBlock | null): answer is BedBlock {
  return answer !== null && answer !== undefined;
}

function isInOrder(logs: readonly BedLog[]): boolean {
  return logs.every(
    (log, at) => at === 0 || Number(logs[at - 1]?.blockNumber) <= Number(log.blockNumber),
  );
}

function compare(truth: readonly BedLog[], given: readonly BedLog[], verdict: LieVerdict): void {
  const facts = (log: BedLog): string =>
    [log.address, log.data, log.blockNumber, log.transactionHash, log.transactionIndex]
      .concat(log.topics as string[])
      .join()
      .toLowerCase();
  const place = ({ blockHash, logIndex }: BedLog): string => `${blockHash} ${Number(logIndex)}`;
  const ours = new Set(truth.map(({ topics }) => (topics as string[])[0]));
  const left = new Map(truth.map((log) => [place(log), log]));
  for (const log of given.filter(({ topics }) => ours.has((topics as string[])[0]))) {
    const true_ = left.get(place(log));
    if (true_ === undefined) verdict.invented += 1;
    else if (facts(true_) !== facts(log) || log.removed === true) verdict.differing += 1;
    left.delete(place(log));
  }
  verdict.lost += left.size;
}

async function evidence(
  { chainEvidence }: SourceCode,
  source: ChainSource,
  { chain, blocks: all, dropped }: SourceBed,
  clock: Clock,
  verdict: LieVerdict,
): Promise<void> {
  const { isReplaced } = chainEvidence([source], clock);
  const look = ({ number, hash }: BedBlock) => isReplaced(chain.chainId, Number(number), hash);
  const heights = new Set(dropped.map(({ number }) => Number(number)));
  const standing = all.filter(({ number }) => heights.has(Number(number)));
  for (const block of [...standing, ...all.slice(-HEIGHTS_OF_EVIDENCE)])
    for (let looks = 0; looks < 3; looks++) if (await look(block)) verdict.falseRetractions += 1;
  for (const block of dropped.slice(0, 2)) {
    let looks = 0;
    while (looks < EVIDENCE_LOOKS && !(await look(block))) looks += 1;
    if (looks === EVIDENCE_LOOKS) verdict.stuck.push(`no evidence of block ${block.number}`);
  }
}

/** Whoever is honest is not accused; a liar beside others is known by its health. */
function blame(source: ChainSource, lie: NamedLie, told: number, verdict: LieVerdict): void {
  const { endpoints, unprovenHeaders } = source.status;
  const [first, ...others] = endpoints;
  for (const { host, lies } of others)
    if (lies > 0) verdict.misjudged.push(`${host} is said to have lied`);
  if (lie.isLimit && (first?.lies ?? 0) > 0)
    verdict.misjudged.push("a provider's limit is said to be a lie");
  const limit = first?.can.blocksPerRequest.limit ?? null;
  if (limit !== null && !lie.isLimit && lie.atMost === undefined)
    verdict.misjudged.push(`a lie is said to be a limit of ${limit} blocks`);
  if (unprovenHeaders > 0 && !lie.isUnknownLayout)
    verdict.misjudged.push("a lie is said to be an unknown layout");
  if (unprovenHeaders === 0 && lie.isUnknownLayout && told > 0)
    verdict.misjudged.push("an unknown layout is said to be proven");
}
