import type { BenchmarkRun } from "./benchmark.ts";
import type { Usage } from "./process-usage.ts";
import type { Cell, Report } from "./report.ts";
import { median } from "./statistics.ts";

/** One checked run of a contender. */
export type Sample = Usage & {
  seconds: number;
  /** How many messages, events, requests … it did in that time. */
  units: number;
};

/** Somebody who does the work. `run` checks the result, and throws when it is wrong. */
export type Contender<S extends Sample = Sample> = { name: string; run: () => Promise<S> };

/** All runs of one contender. */
export type Series<S extends Sample = Sample> = { name: string; samples: S[] };

/**
 * Lets the contenders run in turn, A B A B, so that whatever else goes on on the machine meets all
 * of them. A contender whose result is wrong ends the benchmark: its time would mean nothing.
 *
 * @param patienceSeconds a contender that took longer for a round takes part in no further one
 */
export async function runInTurn<S extends Sample>(
  contenders: Contender<S>[],
  { rounds, isWanted, print }: Pick<BenchmarkRun<unknown>, "rounds" | "isWanted" | "print">,
  patienceSeconds = Number.POSITIVE_INFINITY,
): Promise<Series<S>[]> {
  const series = contenders
    .filter(({ name }) => isWanted(name))
    .map(({ name, run }) => ({ name, run, samples: [] as S[] }));
  for (let round = 1; round <= rounds; round++)
    for (const { name, run, samples } of series) {
      if (samples.some(({ seconds }) => seconds > patienceSeconds)) continue;
      const sample = await run();
      samples.push(sample);
      const { seconds, units, cpuSeconds, peakMemoryMb } = sample;
      print(
        `round ${round}, ${name}: ${seconds.toFixed(2)} s, ${Math.round(units / seconds)}/s, ` +
          `cpu ${cpuSeconds.toFixed(1)} s, ${Math.round(peakMemoryMb)} MB`,
      );
    }
  return series.map(({ name, samples }) => ({ name, samples }));
}

/** Units per second in the middle of all runs; NaN when it did not run. */
export function medianRate(series: Series | undefined): number {
  return median(series?.samples.map(({ units, seconds }) => units / seconds) ?? []);
}

/**
 * The usual table: rate with its bounds, seconds, ratio to the first contender, CPU time, memory.
 *
 * @param unit what is done, in the plural: `messages`
 */
export function seriesTable(
  title: string,
  unit: string,
  series: Series[],
  notes: string[] = [],
): Report["tables"][number] {
  const [first] = series;
  const most = Math.max(0, ...series.map(({ samples }) => samples.length));
  const fewer = series.filter(({ samples }) => samples.length < most);
  return {
    title,
    columns: [
      "contender",
      `${unit}/s`,
      "min",
      "max",
      "seconds",
      `× of ${first?.name ?? "none"}`,
      "CPU s",
      "peak MB",
    ],
    rows: series.map((each): Cell[] => {
      const rates = each.samples.map(({ units, seconds }) => units / seconds);
      return [
        each.name,
        Math.round(medianRate(each)),
        Math.round(Math.min(...rates)),
        Math.round(Math.max(...rates)),
        median(each.samples.map(({ seconds }) => seconds)),
        medianRate(each) / medianRate(first),
        median(each.samples.map(({ cpuSeconds }) => cpuSeconds)),
        Math.round(median(each.samples.map(({ peakMemoryMb }) => peakMemoryMb))),
      ];
    }),
    notes: [
      `Medians of ${most} runs each, in turn. CPU time and peak memory are of the contender's own processes, without PostgreSQL and Pub/Sub.`,
      ...fewer.map(
        ({ name, samples }) =>
          `\`${name}\` ran ${samples.length} of ${most} times: it is that slow.`,
      ),
      ...notes,
    ],
  };
}
