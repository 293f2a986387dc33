import { join } from "node:path";
import { parseArgs } from "node:util";
import { FAULTS } from "../test/chaos/fault-catalogue.ts";
import { reportLines } from "../test/chaos/print-report.ts";
import { runChaos } from "../test/chaos/run-chaos.ts";
import { isClean } from "../test/chaos/verdict.ts";

/*
 * `npm run chaos -- --kills 1000 --seed 1`: the fault suite. Its last line is the verdict, and its
 * exit code is 0 only when nothing is wrong and every fault took effect.
 */

process.env.METADATA_SERVER_DETECTION = "none";

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "100" },
    seed: { type: "string", default: "1" },
    events: { type: "string", default: "500" },
    relays: { type: "string", default: "3" },
    fault: { type: "string", multiple: true },
  },
});
const seed = Number(values.seed);
const wanted = values.fault;
const faults = FAULTS.filter(({ name }) => wanted === undefined || wanted.includes(name));
const report = await runChaos({
  kills: Number(values.kills),
  seed,
  events: Number(values.events),
  relays: Number(values.relays),
  faults,
  root: join(import.meta.dirname, ".."),
  failFast: false,
  stallMs: 60_000,
  progress: print,
});
for (const line of reportLines(report, seed)) print(line);
const isComplete = [...report.faults.values()].every((count) => count > 0);
process.exit(isClean(report.verdict) && report.journal.length === 0 && isComplete ? 0 : 1);
