import type { Report } from "./report.ts";

/** A number that a person may set with `--<name>`; a quick run takes its own. */
export type BenchmarkOption = { full: number; quick: number; says: string };

/** What `npm run bench` gives to a benchmark. */
export type BenchmarkRun<Options> = {
  options: Options;
  /** How often each contender runs. */
  rounds: number;
  isQuick: boolean;
  /** Whether `--only` lets a contender run; all do without it. */
  isWanted: (contender: string) => boolean;
  /** Temporary, empty, reachable by PostgreSQL's user; removed afterwards whatever happens. */
  folder: string;
  /** Says what is going on. */
  print: (line: string) => void;
};

/**
 * One benchmark: builds its own data, lets its contenders run in turn, checks each result before
 * it counts the time.
 */
export type Benchmark<Options extends Record<string, BenchmarkOption> = never> = {
  /** One line: what is compared. */
  title: string;
  options: Options;
  /** Whether it needs what stands in `bench/contenders/package.json`. */
  needsContenders: boolean;
  /**
   * Name of the result when the options are not the usual ones, so that both are kept:
   * `relay-200000`. Without it the benchmark's own name.
   */
  variant?: (options: { [Name in keyof Options]: number }) => string | null;
  run: (run: BenchmarkRun<{ [Name in keyof Options]: number }>) => Promise<Report>;
};

/** Infers the options' names. */
export function defineBenchmark<const Options extends Record<string, BenchmarkOption>>(
  benchmark: Benchmark<Options>,
): Benchmark<Options> {
  return benchmark;
}
