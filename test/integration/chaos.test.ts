import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FAULTS } from "../chaos/fault-catalogue.ts";
import { plantBug } from "../chaos/plant-bug.ts";
import { PLANTED_BUGS, type PlantedBug } from "../chaos/planted-bugs.ts";
import { reportLines } from "../chaos/print-report.ts";
import { runChaos } from "../chaos/run-chaos.ts";
import { runPlantedBug } from "../chaos/run-planted-bugs.ts";
import { isClean } from "../chaos/verdict.ts";

/* The short form of `npm run chaos`, which has every fault and as many kills as one likes. */

const ROOT = join(import.meta.dirname, "../..");
const SEED = 1;
const FEW_FAULTS = [
  "accepted, no response",
  "accepted at the end of its life",
  "storm of errors",
  "permission lost and regained",
  "Pub/Sub restarted",
  "acknowledged messages redelivered",
  "PostgreSQL crashed",
  "disk full on the journal",
  "answer to claim lost",
  "answer to mark lost",
  "SIGSTOP longer than the lease, then SIGCONT",
  "SIGTERM: leases handed over",
  "answer to the consumer's commit lost",
];

let metadataServer: string | undefined;
beforeAll(() => {
  metadataServer = process.env.METADATA_SERVER_DETECTION;
  process.env.METADATA_SERVER_DETECTION = "none";
});
afterAll(() => {
  if (metadataServer === undefined) delete process.env.METADATA_SERVER_DETECTION;
  else process.env.METADATA_SERVER_DETECTION = metadataServer;
});

test("relays that are killed and disturbed lose, repeat and reorder nothing [G-8]", async () => {
  const report = await runChaos({
    kills: 12,
    seed: SEED,
    events: 200,
    relays: 3,
    faults: FAULTS.filter(({ name }) => FEW_FAULTS.includes(name)),
    root: ROOT,
    failFast: false,
    keepEvidence: true,
    stallMs: 150_000,
    progress: () => undefined,
  });
  const what = reportLines(report, SEED).join("\n");
  expect(report.journal, what).toEqual([]);
  expect(isClean(report.verdict), what).toBe(true);
  const neverInjected = [...report.faults].filter(([, times]) => times === 0);
  expect(neverInjected, what).toEqual([]);
  expect(report.faults.size).toBe(FEW_FAULTS.length);
}, 600_000);

describe("the fault suite itself", () => {
  test.each(PLANTED_BUGS)("can still plant the bug: $name", ({ patches }) => {
    const root = plantBug(patches);
    try {
      for (const { file, replace } of patches)
        expect(readFileSync(join(root, file), "utf8")).toContain(replace);
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });

  test("catches a relay that re-sends blindly what its predecessor left", async () => {
    const bug = PLANTED_BUGS.find(({ name }) => name === "blind re-send on takeover");
    const { caughtBy } = await runPlantedBug(bug as PlantedBug, SEED);
    expect(caughtBy).toContain("duplicated");
  }, 300_000);
});
