import { chmodSync, mkdtempSync } from "node:fs";
import { join, resolve } from "node:path";
import { defineBenchmark } from "../framework/benchmark.ts";
import type { Cell, Report } from "../framework/report.ts";
import { median } from "../framework/statistics.ts";
import { measureStartUp, type StartUp } from "./measure-start-up.ts";

const HERE = join(import.meta.dirname, "../..");
const MOST_SECONDS = { first: 10, final: 25 };

type Measured = { name: string; rounds: StartUp[] };

/** How long somebody who types `npm start` waits for something to see, on a checkout that is set up. */
export const startUpBenchmark = defineBenchmark({
  title: "seconds from npm start to the first message on the screen, and to the first final one",
  needsContenders: false,
  options: {},
  run: async ({ rounds, folder, isWanted, print }) => {
    const before = process.env.START_UP_BEFORE;
    const checkouts = [
      { name: "this checkout", root: HERE },
      // Another one that is set up, such as that of an older commit.
      ...(before ? [{ name: "before", root: resolve(before) }] : []),
    ].filter(({ name }) => isWanted(name));
    const measured: Measured[] = checkouts.map(({ name }) => ({ name, rounds: [] }));
    for (let round = 1; round <= rounds; round++)
      for (const [at, { name, root }] of checkouts.entries()) {
        const dataDir = mkdtempSync(join(folder, "data-"));
        chmodSync(dataDir, 0o711);
        const seconds = await measureStartUp(root, join(dataDir, "data"));
        const { firstSeconds, finalSeconds, stopSeconds } = seconds;
        print(
          `round ${round}, ${name}: first ${firstSeconds.toFixed(1)} s, final ${finalSeconds.toFixed(1)} s, stopped in ${stopSeconds.toFixed(1)} s`,
        );
        measured[at]?.rounds.push(seconds);
      }
    return report(measured);
  },
});

function report(measured: Measured[]): Report {
  const secondsOf = (each: Measured | undefined, of: keyof StartUp): number =>
    median(each?.rounds.map((round) => round[of]) ?? []);
  const [here, before] = measured;
  const kinds = [
    { name: "first message", of: "firstSeconds" },
    { name: "first final message", of: "finalSeconds" },
    { name: "stopped after Ctrl-C", of: "stopSeconds" },
  ] as const;
  const [first, final] = [secondsOf(here, "firstSeconds"), secondsOf(here, "finalSeconds")];
  return {
    tables: [
      {
        title: "Seconds at a terminal",
        columns: ["", "this checkout", ...(before ? ["before", "× of before"] : [])],
        rows: kinds.map(({ name, of }): Cell[] => [
          name,
          secondsOf(here, of),
          ...(before ? [secondsOf(before, of), secondsOf(here, of) / secondsOf(before, of)] : []),
        ]),
        notes: [
          `Medians of ${here?.rounds.length ?? 0} rounds, in turn, each with an empty data folder; npm's own start counts.`,
          "`before` is the checkout that `START_UP_BEFORE` names.",
        ],
      },
    ],
    goals: [
      {
        goal: `first message within ${MOST_SECONDS.first} s`,
        measured: `${first.toFixed(1)} s`,
        isMet: first <= MOST_SECONDS.first,
      },
      {
        goal: `first final message within ${MOST_SECONDS.final} s`,
        measured: `${final.toFixed(1)} s`,
        isMet: final <= MOST_SECONDS.final,
      },
    ],
    raw: measured,
  };
}
