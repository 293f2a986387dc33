import pg from "pg";
import { onTestFinished } from "vitest";
import { ensureKeyTable } from "../../apps/api/access/key-table.ts";
import type { RoleNames } from "../../db/roles/role-names.ts";
import { setUpRoles } from "../../db/roles/set-up-roles.ts";
import { urlOfRole } from "../../db/roles/url-of-role.ts";
import { withClient } from "../../db/with-client.ts";
import { ensureProgressView } from "../../engine/ensure-progress-view.ts";
import { ensureWitnessTables } from "../../engine/witness-tables.ts";
import type { RelayWorld } from "./relay-world.ts";
import { StandInDeployment } from "./stand-in-deployment.ts";

/** Of every role of a bed. */
const PASSWORD = "secret";
let count = 0;

/** A database that a single role had filled, moved to roles of its own, which end with the test. */
export type RoleBed = {
  names: RoleNames;
  reader: string;
  /** As its superuser. */
  url: string;
  owner: pg.Pool;
  deployment: StandInDeployment;
  urlAs(role: string): string;
  /** A connection that ends with the test. */
  connectAs(role: string): Promise<pg.Client>;
};

/** Fills an empty database as its superuser. */
export async function fillAsOne(
  world: RelayWorld,
): Promise<{ url: string; pool: pg.Pool; deployment: StandInDeployment }> {
  const { url, pool } = await world.database();
  await withClient(url, async (client) => {
    await ensureProgressView(client);
    await ensureWitnessTables(client);
    await ensureKeyTable(client);
  });
  return { url, pool, deployment: await StandInDeployment.create(pool) };
}

export async function roleBed(
  world: RelayWorld,
  options: { isStrict?: boolean; connections?: number } = {},
): Promise<RoleBed> {
  const { url, pool: owner, deployment } = await fillAsOne(world);
  const names = freshNames();
  const all = [names.indexer, names.relay, ...names.readers];
  const passwords = new Map(all.map((role) => [role, PASSWORD]));
  await setUpRoles(url, { names, passwords, isApplied: true, ...options });
  const urlAs = (role: string) => urlOfRole(url, role, PASSWORD);
  return {
    ...{ names, url, owner, deployment, urlAs },
    reader: names.readers[0] ?? "",
    connectAs: async (role) => {
      const client = new pg.Client({ connectionString: urlAs(role) });
      client.on("error", () => undefined);
      await client.connect();
      onTestFinished(() => client.end().catch(() => undefined));
      return client;
    },
  };
}

/** Roles are of the whole cluster: each database of a test has its own. */
export function freshNames(): RoleNames {
  count += 1;
  return { indexer: `indexer_${count}`, relay: `relay_${count}`, readers: [`reader_${count}`] };
}
