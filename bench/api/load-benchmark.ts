import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { defineBenchmark } from "../framework/benchmark.ts";
import { type Child, forkChild } from "../framework/child.ts";
import { type Usage, watchUsage } from "../framework/process-usage.ts";
import type { Report } from "../framework/report.ts";
import { percentile } from "../framework/statistics.ts";
import { type FilledPlace, fillPlace } from "./filled-place.ts";
import { mixAbout } from "./mix.ts";
import type { Kind, OpenLoadResult } from "./open-load-process.ts";
import { type Server, startOurApi } from "./servers.ts";

/** More blocks than a minute of load sees, one a second. */
const BLOCKS = 400;
const EVENTS_PER_BLOCK = 10;
const WARM_SECONDS = 5;
const MAX_MEMORY_MB = 300;
const MAX_P95_MS = 50;

/** Whether readers who do not wait for each other are all answered, while indexing goes on. */
export const loadBenchmark = defineBenchmark({
  title: "the query side under open load, while a block of ten events is indexed every second",
  needsContenders: false,
  options: {
    escrows: { full: 100_000, quick: 2_000, says: "escrows, of two to four events each" },
    rate: { full: 1_000, quick: 100, says: "questions a second" },
    seconds: { full: 60, quick: 3, says: "how long they are asked" },
  },
  run: async (run) => {
    const { escrows, rate, seconds } = run.options;
    const more = { blocks: BLOCKS, eventsPerBlock: EVENTS_PER_BLOCK };
    const filled = await fillPlace({ ...run, ...more, escrows });
    const server = await startOurApi(filled.place);
    const kinds = mixAbout(filled.place.chainId, filled.addresses);
    await underLoad(server, kinds, { rate: rate / 5, seconds: WARM_SECONDS }).result;
    const stopBlocks = addBlocks(filled);
    const load = underLoad(server, kinds, { rate, seconds });
    const usages = watchAll(filled, server, load.child);
    const result = await load.result;
    const usage = await usages();
    const blocks = await stopBlocks();
    await untilIndexed(filled, filled.head + blocks);
    await filled.indexer.remove();
    return report(result, usage, { ...run.options, blocks });
  },
});

function underLoad(
  { origin }: Server,
  kinds: Kind[],
  { rate, seconds }: { rate: number; seconds: number },
): { child: Child; result: Promise<OpenLoadResult> } {
  const child = forkChild(join(import.meta.dirname, "open-load-process.ts"), [], {
    env: { ...process.env, ORIGIN: origin, RATE: String(rate), SECONDS: String(seconds) },
  });
  child.process.send(kinds);
  return { child, result: child.message<OpenLoadResult>() };
}

/** The chain gets a block a second. @returns ends that, and how many there were */
function addBlocks({ rpc, head }: FilledPlace): () => Promise<number> {
  const stop = new AbortController();
  let blocks = 0;
  const adding = (async () => {
    while (!stop.signal.aborted && blocks < BLOCKS) {
      blocks += 1;
      await rpc.setHead(head + blocks);
      await setTimeout(1_000, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  })();
  return async () => {
    stop.abort();
    await adding;
    return blocks;
  };
}

async function untilIndexed({ indexer }: FilledPlace, block: number): Promise<void> {
  const deadlineMs = performance.now() + 60_000;
  while ((await indexer.state.indexedBlock()) < block) {
    if (performance.now() > deadlineMs) throw new Error(`block ${block} is not indexed in time`);
    await setTimeout(50);
  }
}

type Usages = Record<"API" | "PostgreSQL" | "indexer" | "questioner", Usage>;

function watchAll(
  { postgres, indexer }: FilledPlace,
  server: Server,
  load: Child,
): () => Promise<Usages> {
  const api = watchUsage(server.child.pid);
  const database = watchUsage(postgres.pid);
  const engine = watchUsage(indexer.child.pid);
  const questioner = watchUsage(load.pid);
  return async () => ({
    API: await api(),
    PostgreSQL: await database(),
    indexer: await engine(),
    questioner: await questioner(),
  });
}

type Asked = { escrows: number; rate: number; seconds: number; blocks: number };

function report(
  { kinds, fault, seconds }: OpenLoadResult,
  usage: Usages,
  { escrows, rate, seconds: planned, blocks }: Asked,
): Report {
  const all = kinds.flatMap(({ latencies }) => latencies);
  const faults = kinds.reduce((sum, each) => sum + each.faults, 0);
  const p95Ms = percentile(all, 0.95);
  const row = (name: string, latencies: number[], wrong: number) => [
    ...[name, latencies.length + wrong, wrong],
    ...[0.5, 0.95, 0.99].map((share) => percentile(latencies, share)),
  ];
  const { peakMemoryMb } = usage.API;
  return {
    tables: [
      {
        title: `${rate.toLocaleString("en-US")} questions a second for ${planned} s, ${escrows.toLocaleString("en-US")} escrows`,
        columns: ["question", "asked", "errors", "p50 ms", "p95 ms", "p99 ms"],
        rows: [
          ...kinds.map(({ name, latencies, faults }) => row(name, latencies, faults)),
          row("all", all, faults),
        ],
        notes: [
          "Each question is asked when its time has come, whether those before it are answered or not; the time of an answer counts from there.",
          `Meanwhile ${blocks} blocks of ${EVENTS_PER_BLOCK} events each appeared and were indexed.`,
          ...(fault === null ? [] : [`The first error: ${fault}`]),
        ],
      },
      {
        title: "What it took",
        columns: ["process", "CPU s", "of a core", "peak MB"],
        rows: Object.entries(usage).map(([name, { cpuSeconds, peakMemoryMb }]) => [
          ...[name, cpuSeconds, cpuSeconds / seconds, Math.round(peakMemoryMb)],
        ]),
        notes: ["PostgreSQL is all of its processes; what they share counts once for each."],
      },
    ],
    goals: [
      { goal: "no error", measured: String(faults), isMet: faults === 0 },
      {
        goal: `memory of the API under ${MAX_MEMORY_MB} MB`,
        measured: `${Math.round(peakMemoryMb)} MB`,
        isMet: peakMemoryMb < MAX_MEMORY_MB,
      },
      {
        goal: `p95 under ${MAX_P95_MS} ms, where the others leave room`,
        measured: `${p95Ms.toFixed(1)} ms`,
        isMet: p95Ms < MAX_P95_MS,
      },
    ],
    raw: {
      seconds,
      fault,
      usage,
      kinds: kinds.map(({ name, latencies, faults }) => ({
        ...{ name, faults, answered: latencies.length },
        p50Ms: percentile(latencies, 0.5),
        p95Ms: percentile(latencies, 0.95),
        p99Ms: percentile(latencies, 0.99),
      })),
    },
  };
}
