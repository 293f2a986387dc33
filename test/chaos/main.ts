import { join } from "node:path";
import { parseArgs } from "node:util";
import { FAULTS } from "./fault-catalogue.ts";
import { PLANTED_BUGS } from "./planted-bugs.ts";
import { reportLines } from "./print-report.ts";
import { runChaos } from "./run-chaos.ts";
import { runPlantedBug } from "./run-planted-bugs.ts";
import { isClean } from "./verdict.ts";

/*
 * `npm run chaos -- --kills 1000 --seed 1`: the fault suite. Its last line is the verdict, and its
 * exit code is 0 only when nothing is wrong and every fault took effect.
 */

process.env.METADATA_SERVER_DETECTION = "none";

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const stop = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stop.abort());

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "100" },
    seed: { type: "string", default: "1" },
    events: { type: "string", default: "500" },
    relays: { type: "string", default: "3" },
    fault: { type: "string", multiple: true },
    "planted-bugs": { type: "boolean", default: false },
    bug: { type: "string", multiple: true },
  },
});
const seed = Number(values.seed);
process.exit((await (values["planted-bugs"] ? catchPlantedBugs() : playFaults())) ? 0 : 1);

async function playFaults(): Promise<boolean> {
  const wanted = values.fault;
  const report = await runChaos({
    kills: Number(values.kills),
    seed,
    events: Number(values.events),
    relays: Number(values.relays),
    faults: FAULTS.filter(({ name }) => wanted === undefined || wanted.includes(name)),
    root: join(import.meta.dirname, "../.."),
    failFast: false,
    keepEvidence: true,
    stallMs: 90_000,
    progress: print,
    signal: stop.signal,
  });
  if (stop.signal.aborted) print("interrupted: what was not told yet counts as lost");
  for (const line of reportLines(report, seed)) print(line);
  const isComplete = [...report.faults.values()].every((count) => count > 0);
  return isClean(report.verdict) && report.journal.length === 0 && isComplete;
}

async function catchPlantedBugs(): Promise<boolean> {
  let missed = 0;
  for (const bug of PLANTED_BUGS.filter(({ name }) => values.bug?.includes(name) ?? true)) {
    const { caughtBy, seconds } = await runPlantedBug(bug, seed, stop.signal);
    if (stop.signal.aborted) return false;
    if (caughtBy === null) missed += 1;
    print(`${bug.name}, ${Math.round(seconds)} s: ${caughtBy ? `caught: ${caughtBy}` : "MISSED"}`);
  }
  print(`planted bugs missed: ${missed}`);
  return missed === 0;
}
