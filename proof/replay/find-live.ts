import { setTimeout } from "node:timers/promises";
import type { Chain } from "../../config/chain-deployment.ts";
import { ConfigError, type ConfigProblem } from "../../config/config-error.ts";
import type { Queryable } from "../../db/queryable.ts";
import { blockOf } from "../../engine/checkpoint.ts";
import { readEngineState } from "../../engine/deployment/engine-state.ts";
import { isOfBuild } from "../../engine/deployment/generation.ts";
import { viewedDeployment } from "../../engine/deployment/viewed-deployment.ts";

/** An indexer that was just started is ready again within this. */
const WAIT_MS = 60_000;
const POLL_MS = 500;

/**
 * Finds the deployment that the views show, and makes sure that it can be replayed by this build.
 *
 * @returns its schema
 * @throws ConfigError when there is none, it is another build's, or it is not as far
 */
export async function findLive(
  db: Queryable,
  build: string,
  toBlocks: Record<number, number> | null,
  chains: Chain[],
  signal: AbortSignal,
): Promise<string> {
  const live = await viewedDeployment(db);
  if (live === null)
    throw problem("DATABASE_URL", "nothing is live in this database yet: start the indexer first");
  if (!isOfBuild(live, build))
    throw problem(
      "replay",
      `the live deployment ${live} is of another build or configuration than this one (${build}). ` +
        "Replay with the sources and the chain variables of the indexer that runs; a changed build " +
        "is put in place by starting its indexer",
    );
  const deadlineMs = performance.now() + WAIT_MS;
  let state = await readEngineState(db, live);
  while (!state.isReady) {
    if (performance.now() > deadlineMs)
      throw problem("replay", `the live deployment ${live} is still in its backfill`, true);
    await setTimeout(POLL_MS, undefined, { signal });
    state = await readEngineState(db, live);
  }
  const problems: ConfigProblem[] = [];
  for (const [chainId, block] of Object.entries(toBlocks ?? {})) {
    const finalized = state.chains.find((each) => each.chainId === Number(chainId))?.finalized;
    const finalBlock = finalized === undefined ? 0 : blockOf(finalized);
    const firstBlock = Math.min(
      ...chains
        .filter((each) => each.chainId === Number(chainId))
        .flatMap(({ factories }) => factories.map(({ startBlock }) => startBlock)),
    );
    if (block > finalBlock || block < firstBlock)
      problems.push({
        where: "--to-block",
        what: `chain ${chainId} is indexed from block ${firstBlock} and final up to ${finalBlock}: ${block} is not in between`,
      });
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return live;
}

function problem(where: string, what: string, mayPass = false): ConfigError {
  return new ConfigError([{ where, what, mayPass }]);
}
