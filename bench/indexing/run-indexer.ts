import { setTimeout } from "node:timers/promises";
import { watchUsage } from "../framework/process-usage.ts";
import type { Sample } from "../framework/run-in-turn.ts";
import type { Indexer } from "./indexer.ts";
import type { Facts, Place } from "./place.ts";

/** What one run of an indexer showed. `seconds` begin when its tables are there. */
export type IndexerSample = Sample & {
  /** From the start of the process until then. */
  startSeconds: number;
  postgresCpuSeconds: number;
};

const LOOK_EVERY_MS = 20;

/**
 * Lets an indexer index a chain, checks what it wrote, and removes it again.
 *
 * @param expected what has to come out; what is not known beforehand is taken over from the first
 *   indexer, and the others must agree with it
 * @throws when it wrote something else
 */
export async function runIndexer(
  indexer: Indexer,
  place: Place,
  expected: Partial<Facts>,
  postgresPid: number,
): Promise<IndexerSample> {
  const startedMs = performance.now();
  const running = await indexer.start(place);
  const ends = [watchUsage(running.child.pid), watchUsage(postgresPid)];
  try {
    await until(running.hasBegun, running.child.process);
    const begunMs = performance.now();
    await until(running.isReady, running.child.process);
    const readyMs = performance.now();
    const [own, postgres] = await Promise.all(ends.map((end) => end()));
    const facts = await running.facts();
    check(indexer.name, facts, expected);
    return {
      seconds: (readyMs - begunMs) / 1000,
      startSeconds: (begunMs - startedMs) / 1000,
      units: facts.events,
      cpuSeconds: own?.cpuSeconds ?? Number.NaN,
      peakMemoryMb: own?.peakMemoryMb ?? Number.NaN,
      postgresCpuSeconds: postgres?.cpuSeconds ?? Number.NaN,
    };
  } finally {
    await Promise.all(ends.map((end) => end()));
    await running.remove();
  }
}

function check(name: string, facts: Facts, expected: Partial<Facts>): void {
  for (const key of Object.keys(facts) as (keyof Facts)[])
    if (key in expected && expected[key] !== facts[key])
      throw new Error(
        `${name} wrote ${JSON.stringify(facts)}, and not ${JSON.stringify(expected)}`,
      );
  Object.assign(expected, facts);
}

async function until(
  condition: () => Promise<boolean>,
  child: { exitCode: number | null },
): Promise<void> {
  while (!(await condition())) {
    if (child.exitCode !== null) throw new Error(`it ended with exit code ${child.exitCode}`);
    await setTimeout(LOOK_EVERY_MS);
  }
}
