import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type BenchmarkRun, defineBenchmark } from "../framework/benchmark.ts";
import type { Report } from "../framework/report.ts";
import { medianRate, runInTurn, type Sample, seriesTable } from "../framework/run-in-turn.ts";
import { median, percentile } from "../framework/statistics.ts";
import { ASKS_DIRECTLY, ESCROW_STREAM, WITHOUT_SOURCE } from "../indexing/engine-indexers.ts";
import { recordedPlace } from "../indexing/place.ts";
import { runIndexer } from "../indexing/run-indexer.ts";
import { mineAndWait } from "../latency/latency-benchmark.ts";
import { type Stack, startStack } from "../latency/start-stack.ts";
import { EVENTS_PER_ESCROW, escrowChain } from "../parts/escrow-chain.ts";
import { startDatabase } from "../parts/start-database.ts";
import { type RunningRpc, startRpc } from "../parts/start-rpc.ts";

const EVENTS_PER_BLOCK = 100;
const BLOCK_MS = 250;
const POLL_SECONDS = 0.1;
const INDEXERS = [ESCROW_STREAM, WITHOUT_SOURCE];
/** The engine learns how to follow, and the code gets warm. */
const WARM_UP = { eventsPerSecond: 20, seconds: 10, blockMs: BLOCK_MS };
const GOALS = { latency: 1.1, backfill: 0.95 };

type Options = "events" | "rpc-ms" | "seconds" | "rate";
type Run = BenchmarkRun<Record<Options, number>>;
type Latency = { name: string; rounds: number[][] };

/** What it costs that no answer of a node is believed unchecked. */
export const sourceBenchmark = defineBenchmark({
  title: "the verified source, against an engine that asks the node itself",
  needsContenders: false,
  options: {
    events: { full: 60_000, quick: 2_000, says: "events of the recorded chain" },
    "rpc-ms": {
      full: 20,
      quick: 20,
      says: "how long a node takes to answer that is not next door",
    },
    seconds: { full: 20, quick: 4, says: "how long blocks are mined per round" },
    rate: { full: 20, quick: 20, says: "events per second of the live chain" },
  },
  run: async (run) => {
    const escrows = Math.round(run.options.events / EVENTS_PER_ESCROW / 20) * 20;
    const chain = () =>
      escrowChain({ escrows, escrowsPerBlock: EVENTS_PER_BLOCK / EVENTS_PER_ESCROW });
    const near = await backfill(run, await startRpc(run.folder, chain()), escrows);
    const far = await backfill(
      run,
      await startRpc(run.folder, chain(), run.options["rpc-ms"]),
      escrows,
    );
    return report(near, far, await latency(run), run);
  },
});

/** A chain from its first block, cold, each time into an empty database. */
async function backfill(run: Run, rpc: RunningRpc, escrows: number) {
  const folder = join(run.folder, `backfill-${rpc.child.pid}`);
  mkdirSync(folder, { mode: 0o711 });
  const postgres = await startDatabase(folder);
  const expected = { events: escrows * EVENTS_PER_ESCROW, escrows, faults: 0 };
  const contenders = INDEXERS.map((indexer) => ({
    name: indexer.name,
    run: async (): Promise<Sample> => {
      const databaseUrl = await postgres.createDatabase();
      const place = { ...recordedPlace(databaseUrl, rpc), lastBlock: rpc.lastBlock - 31 };
      const sample = await runIndexer(indexer, place, expected, postgres.pid);
      await postgres.dropDatabase(databaseUrl);
      return sample;
    },
  }));
  const series = await runInTurn(contenders, run);
  await rpc.child.end();
  return series;
}

/** Milliseconds from each block to its events at a subscriber of `chain.events.v1`. */
async function latency(run: Run): Promise<Latency[]> {
  const stacks: { name: string; stack: Stack; rounds: number[][] }[] = [];
  for (const [name, options] of [
    [ESCROW_STREAM.name, []],
    [WITHOUT_SOURCE.name, [ASKS_DIRECTLY]],
  ] as const) {
    const folder = join(run.folder, `stack-${stacks.length}`);
    mkdirSync(folder, { mode: 0o711 });
    const stack = await startStack(folder, POLL_SECONDS, [...options]);
    await mineAndWait(stack, WARM_UP);
    stacks.push({ name, stack, rounds: [] });
  }
  for (let round = 1; round <= run.rounds; round++)
    for (const { name, stack, rounds } of stacks) {
      const { seconds, rate: eventsPerSecond } = run.options;
      const stages = await mineAndWait(stack, { eventsPerSecond, seconds, blockMs: BLOCK_MS });
      const ms = stages.map(
        (each) => each.seen + each.committed + each.captured + each.published + each.arrived,
      );
      rounds.push(ms);
      run.print(`round ${round}, ${name}: block to subscriber ${inWords(ms)} ms`);
    }
  return stacks.map(({ name, rounds }) => ({ name, rounds }));
}

function inWords(ms: number[]): string {
  return [0.5, 0.95, 0.99]
    .map((share) => `p${share * 100} ${percentile(ms, share).toFixed(1)}`)
    .join(", ");
}

function report(
  near: Awaited<ReturnType<typeof backfill>>,
  far: Awaited<ReturnType<typeof backfill>>,
  live: Latency[],
  { options }: Run,
): Report {
  const share = (series: typeof near): number => medianRate(series[0]) / medianRate(series[1]);
  const middle = (name: string): number =>
    median(
      (live.find((each) => each.name === name)?.rounds ?? []).map((ms) => percentile(ms, 0.5)),
    );
  const growth = middle(ESCROW_STREAM.name) / middle(WITHOUT_SOURCE.name);
  const title = `${options.events.toLocaleString("en-US")} events, cold`;
  return {
    tables: [
      seriesTable(`${title}, from a node that answers at once`, "events", near),
      seriesTable(`${title}, from a node that takes ${options["rpc-ms"]} ms`, "events", far),
      {
        title: "Block mined → subscriber of chain.events.v1, ms",
        columns: ["", "events", "p50", "p95", "p99"],
        rows: live.map(({ name, rounds }) => [
          name,
          rounds.flat().length,
          ...[0.5, 0.95, 0.99].map((of) => median(rounds.map((ms) => percentile(ms, of)))),
        ]),
        notes: [
          `${options.rate} events per second in a block every ${BLOCK_MS} ms, for ${options.seconds} s per round; the engine asks for a new block every ${POLL_SECONDS * 1000} ms. Medians of the rounds. Both stacks stand at the same time, and one of them mines.`,
        ],
      },
    ],
    goals: [
      {
        goal: "live latency grows by less than a tenth",
        measured: `${growth.toFixed(2)} times`,
        isMet: growth < GOALS.latency,
      },
      {
        goal: "a cold backfill is not slower, at a node that answers at once",
        measured: `${share(near).toFixed(2)} times its events per second`,
        isMet: share(near) >= GOALS.backfill,
      },
      {
        goal: "a cold backfill is not slower, at a node that takes its time",
        measured: `${share(far).toFixed(2)} times its events per second`,
        isMet: share(far) >= GOALS.backfill,
      },
    ],
    raw: { near, far, live },
  };
}
