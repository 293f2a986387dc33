import { FollowedContracts } from "../../proof/audit/followed-contracts.ts";
import { BloomWatch } from "../../proof/witness/bloom-watch.ts";
import { proveRange } from "../../proof/witness/prove-range.ts";
import { openSources } from "../../source/open-sources.ts";
import type { Hex } from "../../src/events/escrow-event.ts";
import { type BenchmarkRun, defineBenchmark } from "../framework/benchmark.ts";
import type { Report } from "../framework/report.ts";
import {
  type Contender,
  medianRate,
  runInTurn,
  type Sample,
  seriesTable,
} from "../framework/run-in-turn.ts";
import { CHAIN_ID, FACTORIES } from "../parts/escrow-chain.ts";
import { type RunningRpc, startRpc } from "../parts/start-rpc.ts";
import { strangersChain } from "./strangers-chain.ts";

const RECEIPTS = 200;
const FEW_TRANSACTIONS = 20;
/** Blocks that a chain's blooms are proven by, before anything is passed over by them. */
const WARM_UP = 40;
const BLOCKS_AT_ONCE = 200;
const REQUESTS_AT_ONCE = 16;
const GOALS = { others: 100, full: 10 };

const factories = (["A", "B"] as const).map((revision) => ({
  ...{ address: FACTORIES[revision], startBlock: 1, revision },
}));

/** How many blocks a second are proven, by what their headers say. */
export const witnessBenchmark = defineBenchmark({
  title: "how fast blocks are proven",
  needsContenders: false,
  options: {
    blocks: { full: 3_000, quick: 200, says: "blocks that do not concern us" },
    "full-blocks": { full: 200, quick: 20, says: `blocks of ${RECEIPTS} receipts that may` },
    escrows: { full: 100_000, quick: 1_000, says: "escrows that are followed" },
  },
  run: async (run) => {
    const { blocks, "full-blocks": full, escrows } = run.options;
    const chain = { transactions: FEW_TRANSACTIONS, looksLikeOurs: false };
    const others = await startRpc(
      run.folder,
      strangersChain({ ...chain, blocks: blocks + WARM_UP }),
    );
    const ours = { transactions: RECEIPTS, looksLikeOurs: true };
    const receipts = await startRpc(
      run.folder,
      strangersChain({ ...ours, blocks: full + WARM_UP }),
    );
    const contenders = [
      prover("blocks that do not concern us", others, 0),
      prover(`the same beside ${escrows.toLocaleString("en-US")} escrows`, others, escrows),
      prover(`blocks of ${RECEIPTS} receipts`, receipts, 0),
    ];
    return report(await runInTurn(contenders, run), run);
  },
});

function prover(name: string, rpc: RunningRpc, escrows: number): Contender {
  return { name, run: () => prove(rpc, escrows) };
}

async function prove(rpc: RunningRpc, escrows: number): Promise<Sample> {
  const place = { name: "bench", chainId: CHAIN_ID, factories, rpcUrls: [rpc.url] };
  const pace = { pollIntervalMs: 1_000, rpcRequestsPerSecond: 10_000 };
  const [source] = openSources([{ ...place, ...pace }], () => undefined);
  if (source === undefined) throw new Error("no source was opened");
  const contracts = new FollowedContracts({ factories });
  for (let at = 1; at <= escrows; at++)
    contracts.announce({
      ...{ address: `0x${at.toString(16).padStart(40, "e")}`, revision: "A", announcedAt: 1 },
    });
  const watch = new BloomWatch(contracts);
  let parentHash: Hex | null = null;
  const proveTo = async (from: number, to: number): Promise<number> => {
    let withReceipts = 0;
    for (let first = from; first <= to; first += BLOCKS_AT_ONCE) {
      const last = Math.min(to, first + BLOCKS_AT_ONCE - 1);
      const lastHash = (await source.block({ number: last })).block.hash;
      const blocks = { from: first, to: last, parentHash, lastHash, atOnce: REQUESTS_AT_ONCE };
      for await (const block of proveRange({ ...blocks, source, contracts, watch }))
        withReceipts += block.receipts === null ? 0 : 1;
      parentHash = lastHash;
    }
    return withReceipts;
  };
  await proveTo(1, WARM_UP);
  const [cpuBefore, startedMs] = [process.cpuUsage(), performance.now()];
  const withReceipts = await proveTo(WARM_UP + 1, rpc.lastBlock);
  const seconds = (performance.now() - startedMs) / 1_000;
  const { user, system } = process.cpuUsage(cpuBefore);
  return {
    ...{ seconds, units: rpc.lastBlock - WARM_UP, cpuSeconds: (user + system) / 1e6 },
    peakMemoryMb: process.memoryUsage.rss() / 2 ** 20,
    ...{ withReceipts },
  } as Sample;
}

function report(
  series: Awaited<ReturnType<typeof runInTurn>>,
  { options }: BenchmarkRun<Record<string, number>>,
): Report {
  const shareOf = (at: number): string => {
    const [sample] = (series[at]?.samples ?? []) as (Sample & { withReceipts: number })[];
    return sample === undefined ? "" : ((100 * sample.withReceipts) / sample.units).toFixed(1);
  };
  const goal = (name: string, at: number, least: number) => {
    const rate = medianRate(series[at]);
    return {
      goal: `${name}: at least ${least} a second`,
      measured: rate.toFixed(0),
      isMet: rate >= least,
    };
  };
  return {
    tables: [
      seriesTable("Blocks proven", "blocks", series, [
        `Blocks with ${FEW_TRANSACTIONS} transactions but for the last row. Each header, and the receipts of a block whose bloom speaks of a contract of ours: of ${shareOf(0)} %, ${shareOf(1)} %, ${shareOf(2)} % of the blocks, none of which has one.`,
        "From a recorded chain in another process, without latency and without a limit of requests; nothing is written.",
      ]),
    ],
    goals: [
      goal("blocks that do not concern us", 0, GOALS.others),
      goal(`blocks of ${RECEIPTS} receipts`, 2, GOALS.full),
    ],
    raw: { series, options },
  };
}
