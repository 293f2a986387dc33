import { setTimeout } from "node:timers/promises";
import type { Output } from "./output.ts";
import type { SnapshotReader } from "./snapshot.ts";

const SNAPSHOT_MS = 500;

/** Shows where everything stands, twice a second, until `signal`. */
export async function showSnapshots(
  reader: SnapshotReader,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  let isStarting = true;
  let lastProblem = "";
  while (!signal.aborted) {
    try {
      const snapshot = await reader.read();
      output.snapshot(snapshot);
      if (isStarting && !signal.aborted && snapshot.chains.every((one) => one.indexed !== null)) {
        isStarting = false;
        output.state(null);
      }
      lastProblem = "";
    } catch (error) {
      const problem = (error as Error).message;
      if (problem !== lastProblem && !signal.aborted)
        output.notice(`the state cannot be read: ${problem}`);
      lastProblem = problem;
    }
    await setTimeout(SNAPSHOT_MS, undefined, { signal }).catch(() => undefined);
  }
}
