import { defineCommand } from "../../cli/command.ts";
import { optional, withDefault } from "../../cli/command-option.ts";
import { oneOf, wholeNumber } from "../../cli/option-values.ts";
import { runProcess } from "../../cli/run-command.ts";
import { SPECIALS, type Special } from "./history-player.ts";
import { runForks } from "./run-forks.ts";
import { runRestarts } from "./run-restarts.ts";

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** Leaves nothing running behind a run that is broken off. */
const onStart = (end: () => Promise<void>): void => {
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => void end().finally(() => process.exit(130)));
};

const number = (least: number) => wholeNumber(least, 1e9);

/** The fork suite. */
export const forks = defineCommand({
  name: "forks",
  says: `The fork suite: plays histories of a chain that forks while everything runs on it, and compares rows and messages with what the chain was in the end. Its last line is the verdict. --first 37 --histories 1 plays one history again.

With --restarts, kills the engine so many times under traffic instead.`,
  options: {
    histories: withDefault("<n>", "histories to play", "100", number(1)),
    seed: withDefault("<n>", "seed of the histories", "1", number(0)),
    first: withDefault("<n>", "number of the first history", "1", number(1)),
    only: optional(
      "<disturbance>",
      `gives every history the same one: ${SPECIALS.join(", ")}`,
      oneOf<Special>(SPECIALS),
    ),
    restarts: optional("<n>", "kills the engine so often instead", number(1)),
  },
  config: {},
  exits1When: "something differs",
  run: async ({ options: { restarts, ...options } }) => {
    process.env.METADATA_SERVER_DETECTION = "none";
    print(`seed ${options.seed}`);
    const isClean =
      restarts === undefined
        ? await playForks(options)
        : await playRestarts(restarts, options.seed);
    return isClean ? 0 : 1;
  },
});

async function playForks({
  histories: wanted,
  only,
  ...options
}: {
  histories: number;
  seed: number;
  first: number;
  only: Special | undefined;
}): Promise<boolean> {
  const report = await runForks({
    ...{ histories: wanted, ...options, special: only },
    progress: print,
    onStart,
  });
  for (const difference of report.differences) print(difference);
  const { histories, forks, retractions, restarts, differences, seconds } = report;
  print(
    `histories ${histories}, forks ${forks}, retractions ${retractions}, restarts ${restarts}, differences ${differences.length}, ${Math.round(seconds)} s`,
  );
  return differences.length === 0 && histories === wanted;
}

async function playRestarts(count: number, seed: number): Promise<boolean> {
  const report = await runRestarts({
    ...{ restarts: count, seed },
    progress: print,
    onStart,
  });
  const { messages, graphql, sql, seconds, ...counts } = report;
  for (const [name, { answers, refused, longestSilenceMs }] of Object.entries({ graphql, sql }))
    print(
      `${name}: ${answers} answers, ${refused} refused, at the longest ${(longestSilenceMs / 1_000).toFixed(1)} s without one`,
    );
  print(`messages ${messages}, ${Math.round(seconds)} s`);
  print(
    Object.entries(counts)
      .map(([name, value]) => `${name} ${value}`)
      .join(", "),
  );
  const { restarts, ...bad } = counts;
  return restarts === count && Object.values(bad).every((value) => value === 0);
}

if (import.meta.main) await runProcess(forks);
