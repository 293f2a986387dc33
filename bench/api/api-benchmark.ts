import { join } from "node:path";
import { defineBenchmark } from "../framework/benchmark.ts";
import { forkChild } from "../framework/child.ts";
import { watchUsage } from "../framework/process-usage.ts";
import type { Report } from "../framework/report.ts";
import { medianRate, runInTurn, type Sample, type Series } from "../framework/run-in-turn.ts";
import { median, percentile } from "../framework/statistics.ts";
import { CHAIN_ID } from "../parts/escrow-chain.ts";
import type { Question } from "./ask.ts";
import { fillPlace } from "./filled-place.ts";
import type { LoadResult } from "./load-process.ts";
import { questionsAbout } from "./questions.ts";
import { type Server, startOurApi, startPlainServe } from "./servers.ts";

type LoadSample = Sample & { p50Ms: number; p99Ms: number; postgresSeconds: number };

const WARM_QUESTIONS = 500;

/** How many questions the query side answers, and how fast. */
export const apiBenchmark = defineBenchmark({
  title: "the query side under load, against plain `ponder serve` on the same tables",
  needsContenders: true,
  options: {
    escrows: { full: 100_000, quick: 2_000, says: "escrows, of two to four events each" },
    connections: { full: 32, quick: 4, says: "connections, each with one question at a time" },
    seconds: { full: 5, quick: 1, says: "how long each kind of question is asked" },
  },
  run: async (run) => {
    const { escrows, connections, seconds } = run.options;
    const { place, postgres, indexer, addresses } = await fillPlace({ ...run, escrows });
    await indexer.child.end("SIGTERM");
    const ours = await startOurApi(place);
    const plain = await startPlainServe(place);
    const kinds = questionsAbout(CHAIN_ID, addresses);
    const how = { connections, seconds, postgresPid: postgres.pid };
    const load = (server: Server, questions: Question[]) => putUnderLoad(server, questions, how);
    // Compiled, connected and planned before anything is measured.
    for (const asked of Object.values(kinds)) {
      await load(ours, asked.ours.slice(0, WARM_QUESTIONS));
      if (asked.plain !== null) await load(plain, asked.plain.slice(0, WARM_QUESTIONS));
    }
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
  how: { connections: number; seconds: number; postgresPid: number },
): Promise<LoadSample> {
  const end = watchUsage(child.pid);
  const endOfPostgres = watchUsage(how.postgresPid);
  const load = forkChild(join(import.meta.dirname, "load-process.ts"), [], {
    env: {
      ...process.env,
      ORIGIN: origin,
      CONNECTIONS: String(how.connections),
      SECONDS: String(how.seconds),
    },
  });
  // Hundreds of questions are too much for an environment.
  load.process.send(questions);
  const { answers, seconds, latencies, fault } = await load.message<LoadResult>();
  await load.done();
  if (fault !== null) throw new Error(fault);
  const [p50Ms, p99Ms] = [percentile(latencies, 0.5), percentile(latencies, 0.99)];
  const { cpuSeconds: postgresSeconds } = await endOfPostgres();
  return { ...(await end()), postgresSeconds, seconds, units: answers, p50Ms, p99Ms };
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
        columns: [
          ...["question, server", "answers/s", "× of plain", "p50 ms", "p99 ms"],
          ...["CPU ms/answer", "PostgreSQL ms/answer", "peak MB"],
        ],
        rows: series.map((each) => [
          each.name,
          Math.round(medianRate(each)),
          timesPlain(series, each),
          middle(each, (sample) => sample.p50Ms),
          middle(each, (sample) => sample.p99Ms),
          middle(each, (sample) => (1000 * sample.cpuSeconds) / sample.units),
          middle(each, (sample) => (1000 * sample.postgresSeconds) / sample.units),
          Math.round(middle(each, (sample) => sample.peakMemoryMb)),
        ]),
        notes: [
          `Medians of ${series[0]?.samples.length ?? 0} runs each, in turn. Each connection asks again when it has its answer; servers, PostgreSQL and the questioner share the machine.`,
          "`plain` is `ponder serve` with GraphQL on the same tables. `escrow-stream` also reads, in the snapshot of each answer, how far the index is, so that nobody sees the past again while the engine catches up after a restart.",
          "CPU and memory are of the server's process; PostgreSQL's CPU is that of all its processes.",
          "`the same` is one question, whose answer is made again when something has changed; here nothing does. Of `each another` no two are alike while a round lasts.",
        ],
      },
    ],
    goals: GOALS.map(({ kind, times }) => {
      const measured = timesPlain(
        series,
        series.find(({ name }) => name === `${kind}, escrow-stream`),
      );
      return {
        goal: `${kind}: ${times} × plain \`ponder serve\``,
        measured: `${measured?.toFixed(1)} ×`,
        isMet: (measured ?? 0) >= times,
      };
    }),
    raw: {
      series: series.map(({ name, samples }) => ({ name, samples })),
    },
  };
}

const GOALS = [
  { kind: "GraphQL list of 50, the same", times: 5 },
  { kind: "GraphQL lists of 50, each another", times: 5 },
  { kind: "GraphQL details, each another", times: 3 },
];

/** How many times the answers per second of plain `ponder serve`; null where there is nothing to compare. */
function timesPlain(
  series: Series<LoadSample>[],
  ours: Series<LoadSample> | undefined,
): number | null {
  const plain = series.find(({ name }) => name === ours?.name.replace(/escrow-stream$/, "plain"));
  return plain === undefined || plain === ours ? null : medianRate(ours) / medianRate(plain);
}
