import { join } from "node:path";
import { abortOnSignal } from "../../cli/abort-on-signal.ts";
import { defineCommand } from "../../cli/command.ts";
import { flag, repeated, withDefault } from "../../cli/command-option.ts";
import { oneOf, wholeNumber } from "../../cli/option-values.ts";
import { runProcess } from "../../cli/run-command.ts";
import { FAULTS } from "./fault-catalogue.ts";
import { PLANTED_BUGS } from "./planted-bugs.ts";
import { reportLines } from "./print-report.ts";
import { runChaos } from "./run-chaos.ts";
import { runPlantedBug } from "./run-planted-bugs.ts";
import { isClean } from "./verdict.ts";

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const number = (least: number) => wholeNumber(least, 1e9);

/** The fault suite. */
export const chaos = defineCommand({
  name: "chaos",
  says: `The fault suite: kills relays and injects every fault of its catalogue while events are published, and judges what subscribers saw. Its last line is the verdict.

With --planted-bugs, plants known mistakes in copies of the source instead, each of which the suite must catch.`,
  options: {
    kills: withDefault("<n>", "relays to kill", "100", number(0)),
    seed: withDefault("<n>", "seed of the faults", "1", number(0)),
    events: withDefault("<n>", "events to publish", "500", number(1)),
    relays: withDefault("<n>", "relays at a time", "3", number(1)),
    fault: repeated("<name>", "only this fault", oneOf(FAULTS.map(({ name }) => name))),
    "planted-bugs": flag("plants bugs instead"),
    bug: repeated("<name>", "only this planted bug", oneOf(PLANTED_BUGS.map(({ name }) => name))),
  },
  config: {},
  exits1When: "something was wrong, a fault never took effect, or a planted bug was missed",
  run: async ({ options }) => {
    process.env.METADATA_SERVER_DETECTION = "none";
    const signal = abortOnSignal();
    const isGood = options["planted-bugs"]
      ? await catchPlantedBugs(options, signal)
      : await playFaults(options, signal);
    return isGood ? 0 : 1;
  },
});

type FaultOptions = {
  kills: number;
  seed: number;
  events: number;
  relays: number;
  fault: string[];
};

async function playFaults(
  { fault, ...options }: FaultOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const { kills, seed, events, relays } = options;
  const report = await runChaos({
    ...{ kills, seed, events, relays },
    faults: FAULTS.filter(({ name }) => fault.length === 0 || fault.includes(name)),
    root: join(import.meta.dirname, "../.."),
    failFast: false,
    keepEvidence: true,
    stallMs: 90_000,
    progress: print,
    signal,
  });
  if (signal.aborted) print("interrupted: what was not published yet counts as lost");
  for (const line of reportLines(report, seed)) print(line);
  const isComplete = [...report.faults.values()].every((count) => count > 0);
  return isClean(report.verdict) && report.journal.length === 0 && isComplete;
}

async function catchPlantedBugs(
  { bug: wanted, seed }: { bug: string[]; seed: number },
  signal: AbortSignal,
): Promise<boolean> {
  let missed = 0;
  for (const bug of PLANTED_BUGS.filter(
    ({ name }) => wanted.length === 0 || wanted.includes(name),
  )) {
    const { caughtBy, seconds } = await runPlantedBug(bug, seed, signal);
    if (signal.aborted) return false;
    if (caughtBy === null) missed += 1;
    print(`${bug.name}, ${Math.round(seconds)} s: ${caughtBy ? `caught: ${caughtBy}` : "MISSED"}`);
  }
  print(`planted bugs missed: ${missed}`);
  return missed === 0;
}

if (import.meta.main) await runProcess(chaos);
