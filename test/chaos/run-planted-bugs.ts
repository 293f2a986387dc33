import { rmSync } from "node:fs";
import { FAULTS } from "./fault-catalogue.ts";
import { plantBug } from "./plant-bug.ts";
import type { PlantedBug } from "./planted-bugs.ts";
import { type ChaosReport, runChaos } from "./run-chaos.ts";
import type { Fault } from "./stage.ts";
import type { Wrong } from "./verdict.ts";

export type Catch = { bug: string; caughtBy: string | null; seconds: number };

/**
 * Runs the suite on a copy of the sources with a mistake in it.
 *
 * @returns what gave it away; null when nothing did
 */
export async function runPlantedBug(
  { name, patches, shows, faults, times, kills }: PlantedBug,
  seed: number,
  signal?: AbortSignal,
): Promise<Catch> {
  const root = plantBug(patches);
  try {
    const report = await runChaos({
      kills: kills?.count ?? 0,
      ...(kills ? { killPoints: kills.points } : {}),
      timesEach: times,
      seed,
      events: 100,
      relays: 2,
      faults: faults.map(faultNamed),
      root,
      // Then it need not be waited for what comes after.
      failFast: shows === "duplicated",
      keepEvidence: false,
      stallMs: 60_000,
      progress: () => undefined,
      ...(signal ? { signal } : {}),
    });
    return { bug: name, caughtBy: whatIsWrong(report, shows), seconds: report.seconds };
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function faultNamed(name: string): Fault {
  const fault = FAULTS.find((each) => each.name === name);
  if (fault === undefined) throw new Error(`there is no fault "${name}"`);
  return fault;
}

function whatIsWrong({ verdict }: ChaosReport, shows: Wrong): string | null {
  const [first] = verdict[shows];
  return first === undefined ? null : `${shows} ${verdict[shows].length}, such as ${first}`;
}
