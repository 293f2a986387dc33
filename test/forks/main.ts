import { parseArgs } from "node:util";
import { SPECIALS } from "./history-player.ts";
import { runForks } from "./run-forks.ts";
import { runRestarts } from "./run-restarts.ts";

/*
 * `npm run forks -- --histories 500 --seed 1`: the fork suite. Its last line is the verdict, and
 * its exit code is 0 only when nothing differs. `--first 37 --histories 1` plays one history again;
 * `--only "nodes disagree"` gives every history the same disturbance.
 *
 * `npm run forks -- --restarts 50`: kills the engine so many times under traffic instead.
 */

process.env.METADATA_SERVER_DETECTION = "none";

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** Leaves nothing running behind a run that is broken off. */
const onStart = (end: () => Promise<void>): void => {
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => void end().finally(() => process.exit(130)));
};

const { values } = parseArgs({
  options: {
    histories: { type: "string", default: "100" },
    seed: { type: "string", default: "1" },
    first: { type: "string", default: "1" },
    only: { type: "string" },
    restarts: { type: "string" },
  },
});
print(`seed ${values.seed}`);
const isClean = values.restarts === undefined ? await forks() : await restarts(values.restarts);
process.exit(isClean ? 0 : 1);

async function forks(): Promise<boolean> {
  const special = SPECIALS.find((special) => special === values.only);
  if (values.only !== undefined && special === undefined)
    throw new Error(`--only takes one of: ${SPECIALS.join(", ")}`);
  const report = await runForks({
    histories: Number(values.histories),
    seed: Number(values.seed),
    first: Number(values.first),
    special,
    progress: print,
    onStart,
  });
  for (const difference of report.differences) print(difference);
  const { histories, forks, retractions, restarts, differences, seconds } = report;
  print(
    `histories ${histories}, forks ${forks}, retractions ${retractions}, restarts ${restarts}, differences ${differences.length}, ${Math.round(seconds)} s`,
  );
  return differences.length === 0 && histories === Number(values.histories);
}

async function restarts(count: string): Promise<boolean> {
  const report = await runRestarts({
    restarts: Number(count),
    seed: Number(values.seed),
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
  return restarts === Number(count) && Object.values(bad).every((value) => value === 0);
}
