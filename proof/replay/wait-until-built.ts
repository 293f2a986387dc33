import { setTimeout } from "node:timers/promises";
import type pg from "pg";
import { blockOf } from "../../engine/checkpoint.ts";
import { readEngineState } from "../../engine/deployment/engine-state.ts";
import type { RunningBuild } from "./builder.ts";
import { blocksOf, readBuilt, readGoal } from "./read-progress.ts";
import type { ReplayPlace } from "./replay-place.ts";

const POLL_MS = 250;
/** While the live deployment grows, so does the goal. */
const GOAL_MS = 5_000;

/** The engine that builds has ended before its time. */
export class BuildFailed extends Error {
  override name = "BuildFailed";
  readonly code = "ES-REPLAY-FAILED";
}

/**
 * Waits until the new deployment is as far as `toBlocks`, or without them its backfill is done and it
 * is as far as the live one's final block; shows how far it is.
 *
 * @throws BuildFailed with the engine's last words; the signal's reason when it is aborted
 */
export async function waitUntilBuilt(
  { client, builder, live, schema }: RunningBuild,
  toBlocks: Record<number, number> | null,
  { chains, output, signal }: ReplayPlace,
): Promise<void> {
  const firstBlocks = new Map(
    chains.map(({ chainId, factories }) => [
      chainId,
      Math.min(...factories.map(({ startBlock }) => startBlock)),
    ]),
  );
  const beganMs = performance.now();
  let goal = await readGoal(client, live, firstBlocks, toBlocks);
  let goalMs = beganMs;
  const before = await readBuilt(client, schema, goal);
  for (;;) {
    if (builder.failure !== null) throw new BuildFailed(`The engine ended: ${builder.failure}`);
    signal.throwIfAborted();
    if (performance.now() - goalMs > GOAL_MS) {
      goal = await readGoal(client, live, firstBlocks, toBlocks);
      goalMs = performance.now();
    }
    const built = await readBuilt(client, schema, goal);
    const progress = {
      events: built.events,
      eventsTotal: goal.events,
      blocks: built.blocks,
      blocksTotal: blocksOf(goal),
      elapsedMs: performance.now() - beganMs,
      eventsBefore: before.events,
      blocksBefore: before.blocks,
    };
    if (await isBuilt(client, live, schema, toBlocks)) {
      const { elapsedMs } = progress;
      const seconds = Math.round(elapsedMs / 100) / 10;
      const perSecond = Math.round((1000 * (built.events - before.events)) / elapsedMs);
      output.say(
        "built",
        `built ${built.events} events in ${seconds} s (${perSecond} events/s, start of the engine included)`,
        { events: built.events, blocks: built.blocks, seconds, eventsPerSecond: perSecond },
      );
      return;
    }
    output.progress(progress);
    await setTimeout(POLL_MS, undefined, { signal });
  }
}

async function isBuilt(
  client: pg.Client,
  live: string,
  schema: string,
  toBlocks: Record<number, number> | null,
): Promise<boolean> {
  const next = await readEngineState(client, schema);
  // The engine commits in batches, so it may be some way behind the block already.
  if (toBlocks !== null)
    return Object.entries(toBlocks).every(([chainId, block]) =>
      next.chains.some(
        (chain) => chain.chainId === Number(chainId) && blockOf(chain.latest) >= block,
      ),
    );
  if (!next.isReady) return false;
  const old = await readEngineState(client, live);
  return old.chains.every(({ chainId, finalized }) =>
    next.chains.some((chain) => chain.chainId === chainId && chain.latest >= finalized),
  );
}
