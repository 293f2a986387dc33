import { setTimeout } from "node:timers/promises";
import type pg from "pg";
import { withClient } from "../db/with-client.ts";
import { VIEWS_SCHEMA } from "./build-schema.ts";

const POLL_MS = 250;
const UNDEFINED_OBJECT = new Set(["42P01", "3F000"]);

/**
 * Points the stable views at a deployment while there is no other: on the very first one people
 * can read, and the relay can publish, from the first block on. Later deployments are swapped in
 * by the engine when they have caught up; this then does nothing.
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
    if (await hasViews(client)) return;
    let tables = await tablesOf(client, schema);
    while (tables === null && !signal.aborted) {
      await setTimeout(POLL_MS, undefined, { signal }).catch(() => undefined);
      tables = await tablesOf(client, schema);
    }
    if (tables !== null) await createViews(client, schema, tables);
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

async function hasViews(client: pg.Client): Promise<boolean> {
  const { rowCount } = await client.query(
    "select from pg_views where schemaname = $1 and viewname = '_ponder_meta'",
    [VIEWS_SCHEMA],
  );
  return rowCount === 1;
}

/** The deployment's tables, or null while the engine has not made them. */
async function tablesOf(client: pg.Client, schema: string): Promise<string[] | null> {
  try {
    const { rows } = await client.query(
      `select value -> 'table_names' as names from "${schema}"._ponder_meta where key = 'app'`,
    );
    return rows[0] ? [...rows[0].names, "_ponder_meta", "_ponder_checkpoint"] : null;
  } catch (error) {
    if (UNDEFINED_OBJECT.has((error as { code?: string }).code ?? "")) return null;
    throw error;
  }
}

/** One transaction: a reader finds all of the views or none. The engine replaces them later. */
async function createViews(client: pg.Client, schema: string, tables: string[]): Promise<void> {
  await client.query("begin");
  try {
    await client.query(`create schema if not exists "${VIEWS_SCHEMA}"`);
    for (const table of tables)
      await client.query(
        `create or replace view "${VIEWS_SCHEMA}"."${table}" as select * from "${schema}"."${table}"`,
      );
    await client.query("commit");
  } catch (error) {
    await client.query("rollback");
    throw error;
  }
}
