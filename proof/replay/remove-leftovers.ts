import type pg from "pg";
import { VIEWS_SCHEMA } from "../../engine/build-schema.ts";
import { lockDeployment } from "../../engine/deployment/deployment-lock.ts";
import { dropDeployment } from "../../engine/deployment/drop-deployment.ts";
import { type Generation, readGenerations } from "../../engine/deployment/generation.ts";
import { viewedDeployment } from "../../engine/deployment/viewed-deployment.ts";
import { releaseEngineLock } from "../../engine/release-engine-lock.ts";
import type { ReplayOptions } from "./replay-options.ts";
import type { ReplayPlace } from "./replay-place.ts";

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
    const release = await lockDeployment(databaseUrl, schema);
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
