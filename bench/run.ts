import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { BENCHMARKS } from "./benchmarks.ts";
import { atEnd, endAll } from "./framework/at-end.ts";
import type { Benchmark, BenchmarkOption } from "./framework/benchmark.ts";
import { installContenders } from "./framework/contender-packages.ts";
import { readMachine } from "./framework/machine.ts";
import { toMarkdown } from "./framework/report.ts";
import { writeResult } from "./framework/write-result.ts";

/*
 * `npm run bench` runs every benchmark, `npm run bench -- <name> [--quick] [--rounds n] [--only a,b]
 * [--<option> n]` one of them; `--list` says which there are. A full run of all contenders writes
 * what it prints to bench/results/; `--quick` is there to see that everything works, and writes
 * nothing. Exit code 0: done; 1: a contender's result was wrong, or something failed.
 */

process.env.METADATA_SERVER_DETECTION = "none";

type AnyBenchmark = Benchmark<Record<string, BenchmarkOption>>;

const GENERAL = {
  quick: { type: "boolean", default: false },
  list: { type: "boolean", default: false },
  rounds: { type: "string" },
  only: { type: "string" },
} as const;

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const benchmarks = BENCHMARKS as unknown as Record<string, AnyBenchmark>;
const options = Object.values(benchmarks).flatMap((each) => Object.keys(each.options));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    ...GENERAL,
    ...Object.fromEntries(options.map((name) => [name, { type: "string" as const }])),
  },
});
const given = values as Record<string, string | boolean | undefined>;

let isEnding = false;
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => {
    isEnding = true;
    process.stderr.write(`${signal}: cleaning up\n`);
    void endAll().then(() => process.exit(130));
  });

if (given.list) list();
else {
  const names = positionals.length > 0 ? positionals : Object.keys(benchmarks);
  for (const name of names) {
    const benchmark = benchmarks[name];
    if (benchmark === undefined)
      fail(`There is no benchmark ${name}; there are ${Object.keys(benchmarks).join(", ")}.`);
    await runOne(name, benchmark);
  }
}
process.exit(0);

async function runOne(name: string, benchmark: AnyBenchmark): Promise<void> {
  const isQuick = given.quick === true;
  const only = typeof given.only === "string" ? given.only.split(",") : null;
  const options = Object.fromEntries(
    Object.entries(benchmark.options).map(([option, { full, quick }]) => [
      option,
      numberOf(option, isQuick ? quick : full),
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
      rounds: numberOf("rounds", isQuick ? 1 : 3),
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

function numberOf(option: string, otherwise: number): number {
  const text = given[option];
  if (text === undefined) return otherwise;
  const number = Number(text);
  if (!Number.isFinite(number) || number < 0) fail(`--${option} ${text}: expected a number`);
  return number;
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(78);
}
