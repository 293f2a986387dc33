import { setTimeout } from "node:timers/promises";
import { type BenchmarkRun, defineBenchmark } from "../framework/benchmark.ts";
import type { Cell, Report } from "../framework/report.ts";
import { ESCROW_STREAM, ourEnvironment } from "../indexing/engine-indexers.ts";
import { type Place, recordedPlace } from "../indexing/place.ts";
import { EVENTS_PER_ESCROW, escrowChain } from "../parts/escrow-chain.ts";
import { type BenchPostgres, startDatabase } from "../parts/start-database.ts";
import { startRpc } from "../parts/start-rpc.ts";
import { COMMANDS, canRun } from "./commands.ts";
import { type CommandUsage, measureCommand } from "./measure-command.ts";

const USUAL_EVENTS = 600_000;
const EVENTS_PER_BLOCK = 100;
const MORE_EVENTS = 10;
/** What ten times the events may cost: a heap that is not full yet grows somewhat in any case. */
const MOST_TIMES = 1.5;
const LOOK_EVERY_MS = 100;

type Measured = { name: string; few: CommandUsage; many: CommandUsage };

/** Whether the commands that go through everything keep their memory, however much there is. */
export const memoryBenchmark = defineBenchmark({
  title: "peak memory of the commands that go through everything that is stored",
  needsContenders: false,
  options: {
    events: { full: USUAL_EVENTS, quick: 8_000, says: "events of the larger deployment" },
  },
  variant: ({ events }) => (events === USUAL_EVENTS ? null : `memory-${events}`),
  run: async (run) => {
    const postgres = await startDatabase(run.folder);
    const sizes = [run.options.events / MORE_EVENTS, run.options.events].map(
      (events) => Math.max(1, Math.round(events / EVENTS_PER_ESCROW / 20)) * 20,
    );
    const usages: Map<string, CommandUsage>[] = [];
    for (const escrows of sizes) usages.push(await measureAt(escrows, postgres, run));
    const [few, many] = usages;
    const measured = COMMANDS.flatMap(({ name }): Measured[] => {
      const [one, other] = [few?.get(name), many?.get(name)];
      return one && other ? [{ name, few: one, many: other }] : [];
    });
    return report(
      measured,
      sizes.map((escrows) => escrows * EVENTS_PER_ESCROW),
    );
  },
});

/** Indexes a chain, and lets each command go through what was indexed. */
async function measureAt(
  escrows: number,
  postgres: BenchPostgres,
  run: BenchmarkRun<unknown>,
): Promise<Map<string, CommandUsage>> {
  const events = escrows * EVENTS_PER_ESCROW;
  const escrowsPerBlock = EVENTS_PER_BLOCK / EVENTS_PER_ESCROW;
  const rpc = await startRpc(run.folder, escrowChain({ escrows, escrowsPerBlock }));
  const databaseUrl = await postgres.createDatabase();
  const place = recordedPlace(databaseUrl, rpc);
  run.print(`indexing ${events.toLocaleString("en-US")} events`);
  await index(place, { events, escrows });
  const ground = { databaseUrl, folder: run.folder };
  const env = { ...ourEnvironment(place), AUDIT_RPC_REQUESTS_PER_SECOND: "10000" };
  const usages = new Map<string, CommandUsage>();
  for (const command of COMMANDS) {
    if (!run.isWanted(command.name) || !canRun(command, ground)) continue;
    const usage = await measureCommand(command, ground, env);
    run.print(
      `${command.name}: ${Math.round(usage.peakMemoryMb)} MB, ${usage.seconds.toFixed(1)} s`,
    );
    usages.set(command.name, usage);
  }
  await rpc.child.end();
  await postgres.dropDatabase(databaseUrl);
  return usages;
}

/** @throws when something else was indexed than what is on the chain */
async function index(place: Place, expected: { events: number; escrows: number }): Promise<void> {
  const indexer = await ESCROW_STREAM.start(place);
  while (!(await indexer.isReady())) {
    const how = indexer.child.howEnded();
    if (how !== null) throw new Error(`the indexer ended before it was done: ${how}`);
    await setTimeout(LOOK_EVERY_MS);
  }
  const { events, escrows, faults } = await indexer.facts();
  await indexer.state.end();
  await indexer.child.end("SIGTERM");
  if (events !== expected.events || escrows !== expected.escrows || faults !== 0)
    throw new Error(`indexed ${events} events of ${escrows} escrows with ${faults} faults`);
}

function report(measured: Measured[], [few = 0, many = 0]: number[]): Report {
  const at = (events: number): string => `at ${events.toLocaleString("en-US")}`;
  const timesOf = (each: Measured): number => each.many.peakMemoryMb / each.few.peakMemoryMb;
  return {
    tables: [
      {
        title: "Peak memory by the events in the event store",
        columns: [
          "command",
          `MB ${at(few)}`,
          `MB ${at(many)}`,
          "times",
          `seconds ${at(few)}`,
          `seconds ${at(many)}`,
        ],
        rows: measured.map((each): Cell[] => [
          each.name,
          Math.round(each.few.peakMemoryMb),
          Math.round(each.many.peakMemoryMb),
          timesOf(each),
          each.few.seconds,
          each.many.seconds,
        ]),
        notes: [
          "Resident memory of the command's process at its highest (VmHWM), each run once. PostgreSQL's is its own, within `work_mem`.",
          "`verify` without topics and without a journal; `replay` without the engine that it starts.",
        ],
      },
    ],
    goals: measured.map((each) => ({
      goal: `${each.name}: at most ${MOST_TIMES} times the memory for ${MORE_EVENTS} times the events`,
      measured: timesOf(each).toFixed(2),
      isMet: timesOf(each) <= MOST_TIMES,
    })),
    raw: { measured },
  };
}
