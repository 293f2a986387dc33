import { defineBenchmark } from "../framework/benchmark.ts";
import type { Report } from "../framework/report.ts";
import { medianRate, runInTurn, type Series, seriesTable } from "../framework/run-in-turn.ts";
import { EVENTS_PER_ESCROW, escrowChain } from "../parts/escrow-chain.ts";
import { startDatabase } from "../parts/start-database.ts";
import { startRpc } from "../parts/start-rpc.ts";
import { ESCROW_STREAM } from "./engine-indexers.ts";
import { type Facts, recordedPlace } from "./place.ts";
import { type IndexerSample, runIndexer } from "./run-indexer.ts";

const ESCROWS_PER_BLOCK = 20;

/** Whether a backfill slows down, or takes more memory, with the number of escrows. */
export const growthBenchmark = defineBenchmark({
  title: "a cold backfill of 1,000 to 100,000 escrows",
  needsContenders: false,
  options: {
    smallest: { full: 1_000, quick: 100, says: "escrows of the smallest chain" },
    largest: { full: 100_000, quick: 1_000, says: "escrows of the largest chain" },
  },
  run: async (run) => {
    const { smallest, largest } = run.options;
    const middle = Math.round(Math.sqrt(smallest * largest) / 20) * 20;
    const postgres = await startDatabase(run.folder);
    const sizes = [smallest, middle, largest].map((each) => ({
      escrows: each,
      name: `${each.toLocaleString("en-US")} escrows`,
      expected: { events: each * EVENTS_PER_ESCROW, escrows: each, faults: 0 } as Partial<Facts>,
    }));
    const series = await runInTurn(
      sizes.map(({ escrows, name, expected }) => ({
        name,
        run: async (): Promise<IndexerSample> => {
          const rpc = await startRpc(
            run.folder,
            escrowChain({ escrows, escrowsPerBlock: ESCROWS_PER_BLOCK }),
          );
          const databaseUrl = await postgres.createDatabase();
          const place = recordedPlace(databaseUrl, rpc);
          try {
            return await runIndexer(ESCROW_STREAM, place, expected, postgres.pid);
          } finally {
            await rpc.child.end();
            await postgres.dropDatabase(databaseUrl);
          }
        },
      })),
      run,
    );
    return report(series);
  },
});

function report(series: Series<IndexerSample>[]): Report {
  const ratio = medianRate(series.at(-1)) / medianRate(series[0]);
  return {
    tables: [
      seriesTable("escrow-stream, cold, from a recorded chain", "events", series, [
        "Five events per escrow. Ratios are to the smallest chain.",
      ]),
    ],
    goals: [
      {
        goal: "events per second with the most escrows at least 0.9 of those with the fewest",
        measured: ratio.toFixed(2),
        isMet: ratio >= 0.9,
      },
    ],
    raw: { series },
  };
}
