import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineCommand, type Options } from "../cli/command.ts";
import { flag, optional } from "../cli/command-option.ts";
import { numberFrom, wholeNumber } from "../cli/option-values.ts";
import { runProcess } from "../cli/run-command.ts";
import { BENCHMARKS } from "./benchmarks.ts";
import { atEnd, endAll } from "./framework/at-end.ts";
import type { Benchmark, BenchmarkOption } from "./framework/benchmark.ts";
import { installContenders } from "./framework/contender-packages.ts";
import { readMachine } from "./framework/machine.ts";
import { toMarkdown } from "./framework/report.ts";
import { writeResult } from "./framework/write-result.ts";

type AnyBenchmark = Benchmark<Record<string, BenchmarkOption>>;

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const benchmarks = BENCHMARKS as unknown as Record<string, AnyBenchmark>;

/** Each benchmark's own options; those of one name mean the same. */
const OWN_OPTIONS: Options = Object.fromEntries(
  Object.values(benchmarks).flatMap(({ options }) =>
    Object.entries(options).map(([name, { full, quick, says }]) => [
      name,
      optional("<n>", `${says} (default ${full}; with --quick ${quick})`, numberFrom(0, 1e12)),
    ]),
  ),
);

type Given = {
  isQuick: boolean;
  rounds: number | undefined;
  only: string[] | null;
  numbers: Record<string, unknown>;
};

/** The benchmarks. */
export const bench = defineCommand({
  name: "bench",
  says: `Runs every benchmark, or those that are named: ${Object.keys(benchmarks).join(", ")}. A full run of all contenders writes what it prints to bench/results/; --quick is there to see that everything works, and writes nothing.`,
  options: {
    quick: flag("small sizes, one round"),
    list: flag("says which benchmarks and options there are"),
    rounds: optional("<n>", "how often each contender runs", wholeNumber(1, 1_000)),
    only: optional("<a,b>", "these contenders only"),
    ...OWN_OPTIONS,
  },
  words: {
    usage: "[benchmark]…",
    read: (names) => {
      for (const name of names)
        if (benchmarks[name] === undefined)
          throw new Error(
            `there is no benchmark ${name}; there are ${Object.keys(benchmarks).join(", ")}`,
          );
      return names.length > 0 ? names : Object.keys(benchmarks);
    },
  },
  config: {},
  exits1When: "a contender's result was wrong, or something failed",
  run: async ({ options: { quick, list: isList, rounds, only, ...numbers }, words }) => {
    if (isList) {
      list();
      return 0;
    }
    process.env.METADATA_SERVER_DETECTION = "none";
    for (const signal of ["SIGINT", "SIGTERM"] as const)
      process.once(signal, () => {
        isEnding = true;
        process.stderr.write(`${signal}: cleaning up\n`);
        void endAll().then(() => process.exit(130));
      });
    const given = { isQuick: quick, rounds, only: only?.split(",") ?? null, numbers };
    for (const name of words) await runOne(name, benchmarks[name] as AnyBenchmark, given);
    return 0;
  },
});

let isEnding = false;

async function runOne(
  name: string,
  benchmark: AnyBenchmark,
  { isQuick, rounds, only, numbers }: Given,
): Promise<void> {
  const options = Object.fromEntries(
    Object.entries(benchmark.options).map(([option, { full, quick }]) => [
      option,
      (numbers[option] as number | undefined) ?? (isQuick ? quick : full),
    ]),
  );
  if (benchmark.needsContenders) installContenders();
  const folder = mkdtempSync(join(tmpdir(), `escrow-stream-bench-${name}-`));
  // PostgreSQL runs as another user when we are root.
  chmodSync(folder, 0o711);
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  const date = new Date();
  print(`\n## ${name}: ${benchmark.title}`);
  print(
    Object.entries(options)
      .map(([option, value]) => `${option} ${value}`)
      .join(", "),
  );
  try {
    const report = await benchmark.run({
      options,
      rounds: rounds ?? (isQuick ? 1 : 3),
      isQuick,
      isWanted: (contender) => only === null || only.includes(contender),
      folder,
      print,
    });
    const isWhole = !isQuick && only === null;
    // Of a part, or of small sizes, a goal would say nothing.
    print(`\n${toMarkdown(isWhole ? report : { ...report, goals: [] })}`);
    if (!isWhole) return;
    const command = `npm run bench -- ${[name, ...process.argv.slice(2).filter((arg) => arg !== name)].join(" ")}`;
    const machine = readMachine(benchmark.needsContenders);
    const result = benchmark.variant?.(options) ?? name;
    writeResult(result, { title: benchmark.title, command, date, machine }, report);
    print(`\nwritten: bench/results/${result}.md`);
  } catch (error) {
    // It loses its database and its processes while everything is undone; the signal says it all.
    if (isEnding) return await new Promise(() => undefined);
    process.stderr.write(`${name}: ${error instanceof Error ? error.stack : String(error)}\n`);
    await endAll();
    process.exit(1);
  } finally {
    await endAll();
  }
}

function list(): void {
  for (const [name, { title, options }] of Object.entries(benchmarks)) {
    print(`${name}: ${title}`);
    for (const [option, { full, quick, says }] of Object.entries(options))
      print(`  --${option}  ${says} (${full}; with --quick ${quick})`);
  }
}

if (import.meta.main) await runProcess(bench);
