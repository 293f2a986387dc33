import { defineBenchmark } from "../framework/benchmark.ts";
import type { Report } from "../framework/report.ts";
import { medianRate, runInTurn, type Series, seriesTable } from "../framework/run-in-turn.ts";
import { median } from "../framework/statistics.ts";
import { EVENTS_PER_ESCROW, escrowChain } from "../parts/escrow-chain.ts";
import { startDatabase } from "../parts/start-database.ts";
import { startRpc } from "../parts/start-rpc.ts";
import { ESCROW_STREAM, PLAIN_PONDER } from "./engine-indexers.ts";
import { type Facts, recordedPlace } from "./place.ts";
import { type IndexerSample, runIndexer } from "./run-indexer.ts";

const USUAL_EVENTS = 60_000;
const EVENTS_PER_BLOCK = 100;

/** How fast a deployment is built again when every RPC answer is in the cache. */
export const replayBenchmark = defineBenchmark({
  title: "a new deployment from block zero out of the RPC cache, until it can be read",
  needsContenders: true,
  options: { events: { full: USUAL_EVENTS, quick: 2_000, says: "events on the chain" } },
  variant: ({ events }) => (events === USUAL_EVENTS ? null : `replay-${events}`),
  run: async (run) => {
    const escrows = Math.round(run.options.events / EVENTS_PER_ESCROW / 20) * 20;
    const escrowsPerBlock = EVENTS_PER_BLOCK / EVENTS_PER_ESCROW;
    const postgres = await startDatabase(run.folder);
    const rpc = await startRpc(run.folder, escrowChain({ escrows, escrowsPerBlock }));
    const place = recordedPlace(await postgres.createDatabase(), rpc);
    const expected: Partial<Facts> = { events: escrows * EVENTS_PER_ESCROW, escrows, faults: 0 };
    run.print("filling the RPC cache");
    await runIndexer(ESCROW_STREAM, place, expected, postgres.pid);
    const series = await runInTurn(
      [ESCROW_STREAM, PLAIN_PONDER].map((indexer) => ({
        name: indexer.name,
        run: () => runIndexer(indexer, place, expected, postgres.pid),
      })),
      run,
    );
    return report(series, expected.events ?? 0);
  },
});

function report(series: Series<IndexerSample>[], events: number): Report {
  const [ours, plain] = [ESCROW_STREAM, PLAIN_PONDER].map(({ name }) =>
    medianRate(series.find((each) => each.name === name)),
  );
  const ratio = (ours ?? Number.NaN) / (plain ?? Number.NaN);
  return {
    tables: [
      seriesTable(`${events.toLocaleString("en-US")} events`, "events", series, [
        "From when the tables are there until the deployment is ready, its indexes included.",
        "`plain ponder` writes a row per event and a row per escrow; `escrow-stream` also the outbox with the final bytes, and six read models. Both wrote the same events and states, which was checked by a hash.",
      ]),
      {
        title: "Where the time goes",
        columns: ["contender", "start-up s", "own CPU s", "PostgreSQL CPU s"],
        rows: series.map(({ name, samples }) => [
          name,
          median(samples.map((each) => each.startSeconds)),
          median(samples.map((each) => each.cpuSeconds)),
          median(samples.map((each) => each.postgresCpuSeconds)),
        ]),
      },
    ],
    goals: [
      {
        goal: "at least 0.8 of plain Ponder's events per second",
        measured: ratio.toFixed(2),
        isMet: ratio >= 0.8,
      },
    ],
    raw: { series },
  };
}
