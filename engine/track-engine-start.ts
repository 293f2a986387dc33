import { setTimeout } from "node:timers/promises";
import { withClient } from "../db/with-client.ts";
import { type ChainCheckpoint, readEngineState } from "./deployment/engine-state.ts";
import { viewedDeployment } from "./deployment/viewed-deployment.ts";
import { ensureProgressView, noteCaughtUp, noteEngineStart } from "./ensure-progress-view.ts";

/** The checkpoints that an engine has to reach until readers see again what they saw before. */
export type CheckpointsBefore = Pick<ChainCheckpoint, "chainId" | "latest" | "rowVersion">[];

const POLL_MS = 200;
const RETRY_MS = 1_000;
/** A chain that went back while the engine was away never gets where it was. */
const GIVE_UP_MS = 60_000;

/**
 * Writes down that an engine begins on a deployment, before it reverts everything that is not
 * final. Until it has caught up again, the API takes missing rows for that, and not for a reorg.
 *
 * @returns how far the deployment was, or for a new one the live deployment; empty for the first
 */
export async function recordEngineStart(
  databaseUrl: string,
  schema: string,
): Promise<CheckpointsBefore> {
  return await withClient(databaseUrl, async (client) => {
    await ensureProgressView(client);
    let before: CheckpointsBefore = (await readEngineState(client, schema)).chains;
    if (before.length === 0) {
      // A new deployment has to get where the live one is, before or after it takes its place.
      const live = await viewedDeployment(client);
      const { chains } = live === null ? { chains: [] } : await readEngineState(client, live);
      before = chains.map((chain) => ({ ...chain, rowVersion: "" }));
    }
    await noteEngineStart(client, schema, { isCaughtUp: before.length === 0 });
    return before;
  });
}

/**
 * Waits until the engine has re-indexed what it reverted, and writes that down. Its checkpoint
 * stands still, wrong, until the first block after the start: so the row has to have changed, too.
 * Tries again whenever the database does not answer.
 */
export async function recordCaughtUp(
  databaseUrl: string,
  schema: string,
  before: CheckpointsBefore,
): Promise<void> {
  if (before.length === 0) return;
  for (;;)
    try {
      return await waitUntilCaughtUp(databaseUrl, schema, before);
    } catch {
      // A database that is away takes the engine with it, or is back soon.
      await setTimeout(RETRY_MS);
    }
}

async function waitUntilCaughtUp(
  databaseUrl: string,
  schema: string,
  before: CheckpointsBefore,
): Promise<void> {
  await withClient(databaseUrl, async (client) => {
    let deadlineMs = performance.now() + GIVE_UP_MS;
    while (performance.now() < deadlineMs) {
      const { isReady, chains } = await readEngineState(client, schema);
      // A backfill may take hours.
      if (!isReady) deadlineMs = performance.now() + GIVE_UP_MS;
      const isCaughtUp = before.every(({ chainId, latest, rowVersion }) =>
        chains.some(
          (now) => now.chainId === chainId && now.rowVersion !== rowVersion && now.latest >= latest,
        ),
      );
      if (isCaughtUp) break;
      await setTimeout(POLL_MS);
    }
    await noteCaughtUp(client, schema);
  });
}
