import type pg from "pg";
import { releaseEngineLock } from "../cli/release-engine-lock.ts";
import { VIEWS_SCHEMA } from "../config/deployment-schema.ts";
import { holdDeployment } from "./deployment-lock.ts";
import { dropDeployment } from "./drop-deployment.ts";
import { type Generation, readGenerations } from "./generation.ts";
import type { ReplayOptions } from "./replay-options.ts";
import type { ReplayPlace } from "./run-replay.ts";
import { viewedDeployment } from "./viewed-deployment.ts";

/**
 * Clears up after a run that was killed: removes what was only half built or no longer wanted, and
 * what was live before and is past its grace.
 *
 * @returns the deployment that was being built, when this run can go on with it
 */
export async function removeLeftovers(
  client: pg.Client,
  { databaseUrl, build, output }: Pick<ReplayPlace, "databaseUrl" | "build" | "output">,
  { graceMs }: Pick<ReplayOptions, "graceMs">,
): Promise<Generation | null> {
  const live = await viewedDeployment(client);
  const past = await pastGrace(client, graceMs ?? 0);
  let left: Generation | null = null;
  for (const each of await readGenerations(client)) {
    const { schema, state } = each;
    if (schema === live || (state === "retired" && !past.has(schema))) continue;
    if (state !== "building" && state !== "failed" && state !== "retired") continue;
    // Its engine may still be on its way out.
    const release = await holdDeployment(databaseUrl, schema);
    await release();
    if (state === "building" && each.build === build && left === null) {
      await releaseEngineLock(databaseUrl, schema);
      left = each;
      continue;
    }
    output.say("clear", `removing ${schema}, which an earlier run left (${state})`, { schema });
    await dropDeployment(client, schema);
  }
  return left;
}

async function pastGrace(client: pg.Client, graceMs: number): Promise<Set<string>> {
  const { rows } = await client.query(
    `select schema from "${VIEWS_SCHEMA}"._generation
     where now() - changed_at >= $1 * interval '1 millisecond'`,
    [graceMs],
  );
  return new Set(rows.map(({ schema }) => schema));
}
