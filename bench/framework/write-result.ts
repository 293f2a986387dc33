import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Machine } from "./machine.ts";
import { type Report, toMarkdown } from "./report.ts";

const RESULTS = join(import.meta.dirname, "../results");

/** What a result says of itself. */
type Heading = { title: string; command: string; date: Date; machine: Machine };

/** Writes `<name>.md` for people and `<name>.json` with everything that was measured. */
export function writeResult(name: string, heading: Heading, report: Report): void {
  const { title, command, date, machine } = heading;
  const { packages, ...rest } = machine;
  const text = [
    `# ${title}`,
    `\`${command}\`, ${date.toISOString().slice(0, 10)}, commit ${rest.commit}`,
    toMarkdown(report),
    "### Machine",
    `${rest.cores} cores (${rest.cpu}), ${rest.memoryGb} GB, ${rest.kernel}, Node ${rest.node}. ` +
      Object.entries(packages)
        .map(([name, version]) => `${name} ${version}`)
        .join(", "),
  ].join("\n\n");
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(join(RESULTS, `${name}.md`), `${text}\n`);
  const json = { title, command, date, machine, ...report };
  writeFileSync(join(RESULTS, `${name}.json`), `${JSON.stringify(json)}\n`);
}
