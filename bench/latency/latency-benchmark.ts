import { setTimeout } from "node:timers/promises";
import { defineBenchmark } from "../framework/benchmark.ts";
import type { Cell, Report } from "../framework/report.ts";
import { percentile } from "../framework/statistics.ts";
import { measureStages, type Stages } from "./measure-stages.ts";
import { type Arrival, type Stack, startStack } from "./start-stack.ts";

const RATES = [1, 20, 200];
const STAGES = ["seen", "committed", "captured", "published", "arrived"] as const;
const SHARES = [0.5, 0.95, 0.99];
const FORK_EVENTS = 5;
const LONGEST_WAIT_MS = 60_000;
/** The engine learns how to follow, and the code gets warm. */
const WARM_UP = { eventsPerSecond: 20, seconds: 5 };

type Measured = { rate: number; stages: Stages[] };

/** How long after its block an event is at a subscriber, and what takes the time. */
export const latencyBenchmark = defineBenchmark({
  title: "from a block, and from the indexer's commit, to a subscriber",
  needsContenders: false,
  options: {
    seconds: { full: 30, quick: 4, says: "how long each rate is kept up" },
    "block-ms": { full: 250, quick: 250, says: "time between blocks" },
    "poll-ms": { full: 100, quick: 100, says: "how often the engine asks for a new block" },
    forks: { full: 20, quick: 2, says: "blocks that are dropped, with five events each" },
  },
  run: async ({ options, folder, print }) => {
    const blockMs = options["block-ms"];
    const stack = await startStack(folder, options["poll-ms"] / 1000);
    await mineAndWait(stack, { ...WARM_UP, blockMs });
    const measured: Measured[] = [];
    for (const rate of RATES) {
      const { seconds } = options;
      const stages = await mineAndWait(stack, { eventsPerSecond: rate, blockMs, seconds });
      measured.push({ rate, stages });
      print(
        `${rate}/s: ${stages.length} events, commit to subscriber p50 ${ofShare(stages, fromCommit, 0.5)} ms`,
      );
    }
    const retractionMs = await measureForks(stack, options.forks);
    return report(measured, retractionMs, options);
  },
});

/**
 * Mines blocks with events and waits until all arrived.
 *
 * @returns where the time of each event went
 * @throws when messages are missing after a minute
 */
export async function mineAndWait(
  stack: Stack,
  mine: { eventsPerSecond: number; blockMs: number; seconds: number },
): Promise<Stages[]> {
  const from = stack.arrivals.length;
  const chain = await stack.command({ mine });
  const expected = chain.blocks.reduce((sum, { eventIds }) => sum + eventIds.length, 0);
  await untilArrived(stack, () => stack.arrivals.length - from >= expected);
  return await measureStages(stack, chain, stack.arrivals.slice(from));
}

/** Milliseconds from each fork to the arrival of each retraction. */
async function measureForks(stack: Stack, forks: number): Promise<number[]> {
  const times: number[] = [];
  for (let fork = 0; fork < forks; fork++) {
    const { blocks, forkedAtMs = Number.NaN } = await stack.command({ fork: FORK_EVENTS });
    const dropped = new Set(blocks.flatMap(({ eventIds }) => eventIds));
    const isOfFork = ({ retracts }: Arrival): boolean => retracts !== null && dropped.has(retracts);
    const retractions = (): Arrival[] => stack.arrivals.filter(isOfFork);
    await untilArrived(stack, () => retractions().length >= dropped.size);
    times.push(...retractions().map(({ arrivedAtMs }) => arrivedAtMs - forkedAtMs));
  }
  return times;
}

async function untilArrived(stack: Stack, isThere: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + LONGEST_WAIT_MS;
  while (!isThere()) {
    if (performance.now() > deadlineMs)
      throw new Error(`messages are missing after a minute; ${stack.arrivals.length} arrived`);
    await setTimeout(10);
  }
}

function report(
  measured: Measured[],
  retractionMs: number[],
  options: { seconds: number; "block-ms": number; "poll-ms": number; forks: number },
): Report {
  const at200 = measured.at(-1)?.stages ?? [];
  const [p50, p99] = [ofShare(at200, fromCommit, 0.5), ofShare(at200, fromCommit, 0.99)];
  const columns = ["events/s", "events", "p50", "p95", "p99"];
  const spans = (of: (stages: Stages) => number): Cell[][] =>
    measured.map(({ rate, stages }) => [
      rate,
      stages.length,
      ...SHARES.map((share) => ofShare(stages, of, share)),
    ]);
  return {
    tables: [
      { title: "Indexer's commit → subscriber, ms", columns, rows: spans(fromCommit) },
      {
        title: "Block mined → subscriber, ms",
        columns,
        rows: spans((stages) => stages.seen + stages.committed + fromCommit(stages)),
        notes: [
          `A block every ${options["block-ms"]} ms with its share of the events; the engine asks for a new one every ${options["poll-ms"]} ms. Each rate for ${options.seconds} s, both default publications.`,
        ],
      },
      {
        title: "Each stage, ms: p50 / p99",
        columns: [
          "events/s",
          "block → engine is told",
          "→ commit",
          "→ captured",
          "→ accepted by Pub/Sub",
          "→ subscriber",
        ],
        rows: measured.map(({ rate, stages }) => [
          rate,
          ...STAGES.map((stage) =>
            [0.5, 0.99].map((share) => ofShare(stages, (each) => each[stage], share)).join(" / "),
          ),
        ]),
        notes: [
          "Commits by PostgreSQL's commit timestamps, acceptance by Pub/Sub's publish time, which has whole milliseconds.",
        ],
      },
      {
        title: "Fork → retraction at the subscriber, ms",
        columns: ["forks", "retractions", "p50", "p99"],
        rows: [
          [
            options.forks,
            retractionMs.length,
            round(percentile(retractionMs, 0.5)),
            round(percentile(retractionMs, 0.99)),
          ],
        ],
      },
    ],
    goals: [
      {
        goal: "commit to subscriber at 200 events/s: p50 under 15 ms",
        measured: `${p50} ms`,
        isMet: p50 < 15,
      },
      {
        goal: "commit to subscriber at 200 events/s: p99 under 60 ms",
        measured: `${p99} ms`,
        isMet: p99 < 60,
      },
    ],
    raw: {
      stages: STAGES,
      byRate: measured.map(({ rate, stages }) => ({
        rate,
        ms: stages.map((each) => STAGES.map((stage) => round(each[stage]))),
      })),
      retractionMs: retractionMs.map(round),
    },
  };
}

function fromCommit({ captured, published, arrived }: Stages): number {
  return captured + published + arrived;
}

function ofShare(stages: Stages[], of: (stages: Stages) => number, share: number): number {
  return round(percentile(stages.map(of), share));
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
