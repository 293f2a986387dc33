import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { defineBenchmark } from "../framework/benchmark.ts";
import { forkChild } from "../framework/child.ts";
import { watchUsage } from "../framework/process-usage.ts";
import type { Report } from "../framework/report.ts";
import { medianRate, runInTurn, type Sample, type Series } from "../framework/run-in-turn.ts";
import { median, percentile } from "../framework/statistics.ts";
import { ESCROW_STREAM } from "../indexing/engine-indexers.ts";
import { recordedPlace } from "../indexing/place.ts";
import { CHAIN_ID, escrowChain } from "../parts/escrow-chain.ts";
import { query, startDatabase } from "../parts/start-database.ts";
import { startRpc } from "../parts/start-rpc.ts";
import type { LoadResult, Question } from "./load-process.ts";
import { questionsAbout } from "./questions.ts";
import { type Server, startOurApi, startPlainServe } from "./servers.ts";

type LoadSample = Sample & { p50Ms: number; p99Ms: number };

const DETAILS = 500;

/** How many questions the query side answers, and how fast. */
export const apiBenchmark = defineBenchmark({
  title: "the query side under load, against plain `ponder serve` on the same tables",
  needsContenders: true,
  options: {
    escrows: { full: 10_000, quick: 200, says: "escrows, of five events each" },
    connections: { full: 32, quick: 4, says: "connections, each with one question at a time" },
    seconds: { full: 5, quick: 1, says: "how long each kind of question is asked" },
  },
  run: async (run) => {
    const { escrows, connections, seconds } = run.options;
    const postgres = await startDatabase(run.folder);
    const rpc = await startRpc(run.folder, escrowChain({ escrows, escrowsPerBlock: 20 }));
    const place = recordedPlace(await postgres.createDatabase(), rpc);
    run.print(`indexing ${escrows} escrows`);
    const indexer = await ESCROW_STREAM.start(place);
    while (!(await indexer.isReady())) await setTimeout(50);
    const rows = await query<{ address: string }>(
      place.databaseUrl,
      `select address from escrow.escrow order by md5(address) limit ${DETAILS}`,
    );
    const ours = await startOurApi(place);
    const plain = await startPlainServe(place);
    const kinds = questionsAbout(
      CHAIN_ID,
      rows.map(({ address }) => address),
    );
    const load = (server: Server, questions: Question[]) =>
      putUnderLoad(server, questions, connections, seconds);
    const series = await runInTurn(
      Object.entries(kinds).flatMap(([kind, asked]) => {
        const name = `${kind}, escrow-stream`;
        const both = [{ name, run: () => load(ours, asked.ours) }];
        const { plain: questions } = asked;
        if (questions !== null)
          both.push({ name: `${kind}, plain`, run: () => load(plain, questions) });
        return both;
      }),
      run,
    );
    await indexer.remove();
    return report(series, { connections, escrows });
  },
});

/** @throws when an answer is not what it should be */
async function putUnderLoad(
  { origin, child }: Server,
  questions: Question[],
  connections: number,
  forSeconds: number,
): Promise<LoadSample> {
  const end = watchUsage(child.pid);
  const load = forkChild(join(import.meta.dirname, "load-process.ts"), [], {
    env: {
      ...process.env,
      ORIGIN: origin,
      CONNECTIONS: String(connections),
      SECONDS: String(forSeconds),
    },
  });
  // Hundreds of questions are too much for an environment.
  load.process.send(questions);
  const { answers, seconds, latencies, fault } = await load.message<LoadResult>();
  await load.done();
  if (fault !== null) throw new Error(fault);
  const [p50Ms, p99Ms] = [percentile(latencies, 0.5), percentile(latencies, 0.99)];
  return { ...(await end()), seconds, units: answers, p50Ms, p99Ms };
}

function report(
  series: Series<LoadSample>[],
  { connections, escrows }: { connections: number; escrows: number },
): Report {
  const middle = (each: Series<LoadSample>, of: (sample: LoadSample) => number): number =>
    median(each.samples.map(of));
  return {
    tables: [
      {
        title: `${connections} connections, ${escrows.toLocaleString("en-US")} escrows`,
        columns: ["question, server", "answers/s", "p50 ms", "p99 ms", "CPU ms/answer", "peak MB"],
        rows: series.map((each) => [
          each.name,
          Math.round(medianRate(each)),
          middle(each, (sample) => sample.p50Ms),
          middle(each, (sample) => sample.p99Ms),
          middle(each, (sample) => (1000 * sample.cpuSeconds) / sample.units),
          Math.round(middle(each, (sample) => sample.peakMemoryMb)),
        ]),
        notes: [
          `Medians of ${series[0]?.samples.length ?? 0} runs each, in turn. Each connection asks again when it has its answer; servers, PostgreSQL and the questioner share the machine.`,
          "`plain` is `ponder serve` with GraphQL on the same tables. `escrow-stream` also reads, in the snapshot of each answer, how far the index is, so that nobody sees the past again while the engine catches up after a restart.",
          "CPU and memory are of the server's process.",
        ],
      },
    ],
    raw: {
      series: series.map(({ name, samples }) => ({ name, samples })),
    },
  };
}
