import { join } from "node:path";
import { type Child, forkChild } from "../framework/child.ts";

/** Project of all topics in the benchmarks. */
export const PROJECT = "bench";

export type RunningPubsub = {
  host: string;
  child: Child;
  /** What a client needs in its environment to find it. */
  env: NodeJS.ProcessEnv;
};

/**
 * Starts the embedded Pub/Sub as a process of its own.
 *
 * @param dataDir where it keeps its data, as `npm start` does
 * @param latencyMs how long every publish request takes in addition
 */
export async function startPubsub(dataDir: string, latencyMs = 0): Promise<RunningPubsub> {
  const child = forkChild(join(import.meta.dirname, "pubsub-process.ts"), [], {
    env: { ...process.env, DATA_DIR: dataDir, LATENCY_MS: String(latencyMs) },
  });
  const { host } = await child.message<{ host: string }>();
  const env = { PUBSUB_PROJECT_ID: PROJECT, PUBSUB_EMULATOR_HOST: host };
  return { host, child, env };
}
