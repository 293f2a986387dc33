import { setTimeout } from "node:timers/promises";
import pg from "pg";
import { ConfigError } from "../../config/config-error.ts";
import { lockReplay } from "../../engine/deployment/deployment-lock.ts";
import { dropDeployment } from "../../engine/deployment/drop-deployment.ts";
import {
  addGeneration,
  beginHandover,
  ensureGenerations,
  type Generation,
  keepGeneration,
  readGenerations,
} from "../../engine/deployment/generation.ts";
import { releaseEngineLock } from "../../engine/release-engine-lock.ts";
import { Builder } from "./builder.ts";
import { compareUntilSure } from "./compare-until-sure.ts";
import { comparisonLines } from "./comparison-lines.ts";
import { findLive } from "./find-live.ts";
import { isAccepted } from "./is-accepted.ts";
import { removeLeftovers } from "./remove-leftovers.ts";
import type { ReplayOptions } from "./replay-options.ts";
import type { ReplayPlace } from "./replay-place.ts";
import { waitForHandover } from "./wait-for-handover.ts";
import { waitUntilBuilt } from "./wait-until-built.ts";

/**
 * Builds the live deployment again and puts the new one in its place:
 *
 *   (go on with, or remove, what an earlier run left) ──► build ──► compare ──► hand over ──► wait
 *   ──► remove the old one
 *
 * Until the indexer swaps the views, nothing that anybody reads has changed; from the order to hand
 * over on, the indexer completes it, whether this process lives or not (`generation.ts`).
 *
 * @returns the exit code
 * @throws ConfigError when there is nothing to replay, or not now
 */
export async function runReplay(options: ReplayOptions, place: ReplayPlace): Promise<number> {
  const { databaseUrl, build, output, signal } = place;
  const release = await lockReplay(databaseUrl);
  if (release === null)
    throw new ConfigError([
      { where: "DATABASE_URL", what: "another replay runs on this database", mayPass: true },
    ]);
  const client = await connect(databaseUrl);
  try {
    await ensureGenerations(client);
    const pending = (await readGenerations(client)).find(
      (each) => each.build === build && each.state === "handover",
    );
    if (pending !== undefined) {
      if (options.isDryRun)
        throw new ConfigError([
          {
            where: "replay",
            what: `${pending.schema} of an earlier run is being handed over to the indexer`,
            mayPass: true,
          },
        ]);
      output.say("handover", `${pending.schema} of an earlier run waits for the indexer`);
      return await finish(client, pending, options, place);
    }
    const live = await findLive(client, build, options.toBlocks, place.chains, signal);
    const left = await removeLeftovers(client, place, options);
    const generation = left ?? (await addGeneration(client, build));
    output.say(
      "build",
      `${left === null ? "building" : "going on with"} ${generation.schema} beside ${live}`,
      { schema: generation.schema, live },
    );
    if (!(await buildAndCompare(client, live, generation, options, place)))
      return await discard(client, generation, options, place, 1);
    if (options.isDryRun) return await discard(client, generation, options, place, 0);
    await beginHandover(client, generation.schema);
    return await finish(client, generation, options, place);
  } catch (error) {
    if (!signal.aborted) throw error;
    output.say("stopped", "stopped; the live deployment serves on, and the next run goes on");
    return 75;
  } finally {
    await client.end().catch(() => undefined);
    await release().catch(() => undefined);
  }
}

/** True when the new deployment may take the live one's place. */
async function buildAndCompare(
  client: pg.Client,
  live: string,
  { schema }: Generation,
  options: ReplayOptions,
  place: ReplayPlace,
): Promise<boolean> {
  const { databaseUrl, output } = place;
  const builder = new Builder(schema, place.env);
  const running = { client, builder, live, schema };
  try {
    await waitUntilBuilt(running, options.toBlocks, place);
    const comparison = await compareUntilSure(running, options, place);
    for (const line of comparisonLines(comparison)) output.say("compare", line.text, line.figures);
    return comparison.total === 0 || (await isAccepted(running, comparison, options, place));
  } finally {
    await builder.stop();
    // Certainly gone, so that the next engine need not wait for its lock to expire.
    await releaseEngineLock(databaseUrl, schema);
  }
}

/** Removes what a dry run built, or what differs; with `--keep` it stays to be inspected. */
async function discard(
  client: pg.Client,
  { schema }: Generation,
  options: ReplayOptions,
  { output }: ReplayPlace,
  code: number,
): Promise<number> {
  const isKept = options.graceMs === null;
  if (isKept) await keepGeneration(client, schema);
  else await dropDeployment(client, schema);
  const what = isKept ? "is kept" : "is removed again";
  output.say("done", `nothing is swapped; ${schema} ${what}`, { exitCode: code });
  return code;
}

/** Waits for the indexer's swap, and removes the deployment that was live. */
async function finish(
  client: pg.Client,
  { schema }: Generation,
  options: ReplayOptions,
  place: ReplayPlace,
): Promise<number> {
  const { build, output, signal } = place;
  const code = await waitForHandover(client, schema, place);
  if (code !== 0) return code;
  const retired = (await readGenerations(client)).filter(
    (each) => each.build === build && each.state === "retired",
  );
  if (options.graceMs === null) {
    for (const each of retired) await keepGeneration(client, each.schema);
    output.say("done", `the views show ${schema}; the old deployment is kept`, { schema });
    return 0;
  }
  output.say(
    "grace",
    `the views show ${schema}; the old deployment goes in ${options.graceMs / 1_000} s`,
  );
  await setTimeout(options.graceMs, undefined, { signal });
  let isClear = true;
  for (const each of retired) isClear = (await dropDeployment(client, each.schema)) && isClear;
  output.say(
    "done",
    isClear
      ? `the views show ${schema}; the old deployment is removed`
      : `the views show ${schema}; the old deployment is still in use, the next replay removes it`,
    { schema },
  );
  return 0;
}

async function connect(databaseUrl: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: "replay" });
  client.on("error", () => undefined);
  await client.connect();
  return client;
}
