import { setTimeout } from "node:timers/promises";
import type pg from "pg";
import type { Queryable } from "../db/queryable.ts";
import { relationExists } from "../db/relation-exists.ts";
import { withClient } from "../db/with-client.ts";
import { VIEWS_SCHEMA } from "./build-schema.ts";
import { completeViews } from "./complete-views.ts";
import { tablesOf } from "./deployment/viewed-deployment.ts";
import { META_TABLE, PRIVATE_TABLES } from "./private-tables.ts";

const POLL_MS = 250;

/**
 * Points the stable views at a deployment while there is no other: on the very first one people
 * can read, and the relay can publish, from the first block on. Later deployments are swapped in
 * by the engine when they have caught up; until then the views get the columns that they lack.
 *
 * @param schema the deployment that is being indexed; waited for until the engine has made it
 * @param signal ends the wait
 */
export async function ensureViews(
  databaseUrl: string,
  schema: string,
  signal: AbortSignal,
): Promise<void> {
  await withClient(databaseUrl, async (client) => {
    const areThere = await hasViews(client);
    let tables = await tablesOf(client, schema);
    while (tables === null && !signal.aborted) {
      await setTimeout(POLL_MS, undefined, { signal }).catch(() => undefined);
      tables = await tablesOf(client, schema);
    }
    if (tables === null) return;
    if (areThere) await completeViews(client, schema);
    else await createViews(client, schema, tables);
  });
}

/**
 * Waits until the stable views exist.
 *
 * @returns false when `signal` ended the wait
 */
export async function waitForViews(databaseUrl: string, signal: AbortSignal): Promise<boolean> {
  return await withClient(databaseUrl, async (client) => {
    while (!signal.aborted) {
      if (await hasViews(client)) return true;
      await setTimeout(POLL_MS, undefined, { signal }).catch(() => undefined);
    }
    return false;
  });
}

/** SQL that points the stable views at a deployment's tables, and at what the engine keeps there. */
export function viewsSql(schema: string, tables: readonly string[]): string {
  return [...tables, ...PRIVATE_TABLES]
    .map(
      (table) =>
        `create or replace view "${VIEWS_SCHEMA}"."${table}" as select * from "${schema}"."${table}";`,
    )
    .join("\n");
}

/** Whether the stable views exist: the engine's is the last one that is made. */
async function hasViews(db: Queryable): Promise<boolean> {
  return await relationExists(db, VIEWS_SCHEMA, META_TABLE);
}

/** One transaction: a reader finds all of the views or none. The engine replaces them later. */
async function createViews(client: pg.Client, schema: string, tables: string[]): Promise<void> {
  // Several statements in one query are one transaction.
  await client.query(`create schema if not exists "${VIEWS_SCHEMA}";\n${viewsSql(schema, tables)}`);
}
