import { parseArgs } from "node:util";
import { SPECIALS } from "../test/forks/history-player.ts";
import { runForks } from "../test/forks/run-forks.ts";

/*
 * `npm run forks -- --histories 500 --seed 1`: the fork suite. Its last line is the verdict, and
 * its exit code is 0 only when nothing differs. `--first 37 --histories 1` plays one history again;
 * `--only "nodes disagree"` gives every history the same disturbance.
 */

process.env.METADATA_SERVER_DETECTION = "none";

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const { values } = parseArgs({
  options: {
    histories: { type: "string", default: "100" },
    seed: { type: "string", default: "1" },
    first: { type: "string", default: "1" },
    only: { type: "string" },
  },
});
print(`seed ${values.seed}`);
const report = await runForks({
  histories: Number(values.histories),
  seed: Number(values.seed),
  first: Number(values.first),
  special: SPECIALS.find((special) => special === values.only),
  progress: print,
});
for (const difference of report.differences) print(difference);
const { histories, forks, retractions, restarts, differences, seconds } = report;
print(
  `histories ${histories}, forks ${forks}, retractions ${retractions}, restarts ${restarts}, differences ${differences.length}, ${Math.round(seconds)} s`,
);
process.exit(differences.length === 0 && histories === Number(values.histories) ? 0 : 1);
