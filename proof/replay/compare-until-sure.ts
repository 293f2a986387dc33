import { setTimeout } from "node:timers/promises";
import pg from "pg";
import { ConfigError } from "../../config/config-error.ts";
import { readEngineState } from "../../engine/deployment/engine-state.ts";
import type { RunningBuild } from "./builder.ts";
import { type Comparison, compareDeployments } from "./compare.ts";
import type { ReplayOptions } from "./replay-options.ts";
import type { ReplayPlace } from "./replay-place.ts";
import { BuildFailed } from "./wait-until-built.ts";

const POLL_MS = 500;
/** How long the live deployment may take to be as far as the new one is final. */
const WAIT_MS = 120_000;
/** A chain may be silent; then the second comparison comes all the same. */
const RECHECK_MS = 15_000;

/**
 * Compares the two deployments. A difference counts only when it is still there after the live
 * deployment has moved on: an engine that was just started shows an old checkpoint while the rows
 * behind it are reverted.
 *
 * @throws ConfigError when the live deployment does not get as far; BuildFailed
 */
export async function compareUntilSure(
  { client, builder, live, schema }: RunningBuild,
  { toBlocks, limit }: ReplayOptions,
  { databaseUrl, signal }: ReplayPlace,
): Promise<Comparison> {
  const deadlineMs = performance.now() + WAIT_MS;
  let isRecheck = false;
  for (;;) {
    if (builder.failure !== null) throw new BuildFailed(`The engine ended: ${builder.failure}`);
    const versions = await rowVersions(client, live);
    const comparison = await compareDeployments(() => openReader(databaseUrl), live, schema, {
      toBlocks,
      limit,
    });
    if (comparison === null) {
      if (performance.now() > deadlineMs)
        throw new ConfigError([
          {
            where: "replay",
            what: `the live deployment ${live} does not get as far as ${schema}: does its indexer run?`,
            mayPass: true,
          },
        ]);
      await setTimeout(POLL_MS, undefined, { signal });
    } else if (comparison.total === 0 || isRecheck) return comparison;
    else {
      const recheckMs = performance.now() + RECHECK_MS;
      while ((await rowVersions(client, live)) === versions && performance.now() < recheckMs)
        await setTimeout(POLL_MS, undefined, { signal });
      isRecheck = true;
    }
  }
}

/** A connection to compare over. */
export async function openReader(databaseUrl: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: "replay" });
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

async function rowVersions(client: pg.Client, live: string): Promise<string> {
  const { chains } = await readEngineState(client, live);
  return chains.map(({ rowVersion }) => rowVersion).join();
}
