import { defineBenchmark } from "../framework/benchmark.ts";
import type { Report } from "../framework/report.ts";
import { medianRate, runInTurn, type Series, seriesTable } from "../framework/run-in-turn.ts";
import { median } from "../framework/statistics.ts";
import { CHAIN_ID, EVENTS_PER_ESCROW, escrowChain, FACTORIES } from "../parts/escrow-chain.ts";
import { type BenchPostgres, startDatabase } from "../parts/start-database.ts";
import { startRpc } from "../parts/start-rpc.ts";
import { startAnvilPlace } from "./anvil-place.ts";
import { ESCROW_STREAM, PLAIN_PONDER } from "./engine-indexers.ts";
import type { Facts, Place } from "./place.ts";
import { type IndexerSample, runIndexer } from "./run-indexer.ts";
import { SQUID } from "./squid-indexer.ts";

const EVENTS_PER_BLOCK = 100;
const INDEXERS = [ESCROW_STREAM, PLAIN_PONDER, SQUID];

type Samples = Series<IndexerSample>[];

/** How fast a chain is read and indexed when nothing of it is known yet. */
export const backfillBenchmark = defineBenchmark({
  title: "a chain from its first block, cold, until it can be read",
  needsContenders: true,
  options: {
    events: { full: 60_000, quick: 2_000, says: "events of the recorded chain" },
    escrows: { full: 5_000, quick: 200, says: "escrows on anvil, of three events each" },
  },
  run: async (run) => {
    const escrows = Math.round(run.options.events / EVENTS_PER_ESCROW / 20) * 20;
    const events = escrows * EVENTS_PER_ESCROW;
    const postgres = await startDatabase(run.folder);
    const rpc = await startRpc(
      run.folder,
      escrowChain({ escrows, escrowsPerBlock: EVENTS_PER_BLOCK / EVENTS_PER_ESCROW }),
    );
    const recording = {
      rpcUrl: rpc.url,
      chainId: CHAIN_ID,
      factories: FACTORIES,
      // The indexers stop at the last final block, which holds all events.
      lastBlock: rpc.lastBlock - 31,
      requestsPerSecond: 1_000,
    };
    const recorded = await runInTurn(
      contenders(recording, { events, escrows, faults: 0 }, postgres),
      run,
    );
    await rpc.child.end();
    run.print(`making ${run.options.escrows} escrows on anvil`);
    const anvil = await startAnvilPlace(run.options.escrows);
    const onAnvil = await runInTurn(
      contenders(
        anvil.chain,
        { events: anvil.events, escrows: run.options.escrows, faults: 0 },
        postgres,
      ),
      run,
    );
    return report(recorded, onAnvil);
  },
});

/** Each run has an empty database: nothing of the chain is known. */
function contenders(
  chain: Omit<Place, "databaseUrl">,
  expected: Partial<Facts>,
  postgres: BenchPostgres,
) {
  return INDEXERS.map((indexer) => ({
    name: indexer.name,
    run: async (): Promise<IndexerSample> => {
      const databaseUrl = await postgres.createDatabase();
      try {
        return await runIndexer(indexer, { ...chain, databaseUrl }, expected, postgres.pid);
      } finally {
        await postgres.dropDatabase(databaseUrl);
      }
    },
  }));
}

function report(recorded: Samples, onAnvil: Samples): Report {
  const [ours, plain, sqd] = INDEXERS.map(({ name }) =>
    medianRate(recorded.find((each) => each.name === name)),
  ) as [number, number, number];
  return {
    tables: [
      seriesTable(eventsIn(recorded, "a recorded chain"), "events", recorded, [
        "A node in a process of its own that answers from memory. From when the indexer's tables are there until everything final can be read.",
        "`escrow-stream` is told that the node allows 1,000 requests per second; `plain ponder` has the engine's own pace; `sqd` keeps none.",
        "Both others write a row per event and a row per escrow. All wrote the same events and states, which was checked by a hash.",
      ]),
      seriesTable(eventsIn(onAnvil, "anvil"), "events", onAnvil),
      {
        title: "Where the time goes, on the recorded chain",
        columns: ["contender", "start-up s", "own CPU s", "PostgreSQL CPU s"],
        rows: recorded.map(({ name, samples }) => [
          name,
          median(samples.map((each) => each.startSeconds)),
          median(samples.map((each) => each.cpuSeconds)),
          median(samples.map((each) => each.postgresCpuSeconds)),
        ]),
      },
    ],
    goals: [
      {
        goal: "at least 3 times plain Ponder at its default pace",
        measured: (ours / plain).toFixed(2),
        isMet: ours >= 3 * plain,
      },
      {
        goal: "level with SQD",
        measured: `${(ours / sqd).toFixed(2)} times`,
        isMet: ours >= 0.95 * sqd,
      },
    ],
    raw: { recorded, onAnvil },
  };
}

function eventsIn(series: Samples, where: string): string {
  const events = series[0]?.samples[0]?.units ?? 0;
  return `${events.toLocaleString("en-US")} events from ${where}`;
}
