import { setTimeout } from "node:timers/promises";
import type pg from "pg";
import { VIEWS_SCHEMA } from "../build-schema.ts";
import { PRIVATE_TABLES } from "../private-tables.ts";
import { tablesOf, viewedDeployment } from "./viewed-deployment.ts";

/** As for the swap of the views: readers that still hold the old tables must not queue up behind us. */
const LOCK_TIMEOUT_MS = 40;
const LOCK_NOT_AVAILABLE = "55P03";
const TRIES = 100;
const PAUSE_MS = 200;

/**
 * Removes a deployment that nobody reads any more, and its row in `escrow._generation`.
 *
 * Locks: all of its tables, exclusively; then nobody can point the views at it before it is gone.
 *
 * @returns false when it is in use for so long that it has to wait for another time
 * @throws when the views show it
 */
export async function dropDeployment(client: pg.Client, schema: string): Promise<boolean> {
  for (let tries = 0; tries < TRIES; tries++) {
    await client.query("begin");
    try {
      await client.query(`set local lock_timeout = ${LOCK_TIMEOUT_MS}`);
      const tables = await tablesOf(client, schema);
      if (tables !== null) {
        const list = [...tables, ...PRIVATE_TABLES].map((table) => `"${schema}"."${table}"`);
        await client.query(`lock table ${list.join(", ")} in access exclusive mode`);
      }
      if ((await viewedDeployment(client)) === schema)
        throw new Error(`The views show ${schema}: it is not removed.`);
      await client.query(`drop schema if exists "${schema}" cascade`);
      await client.query(`delete from "${VIEWS_SCHEMA}"._generation where schema = $1`, [schema]);
      await client.query(`delete from "${VIEWS_SCHEMA}"._engine_start where deployment = $1`, [
        schema,
      ]);
      await client.query("commit");
      return true;
    } catch (error) {
      await client.query("rollback");
      if ((error as { code?: string }).code !== LOCK_NOT_AVAILABLE) throw error;
      await setTimeout(PAUSE_MS);
    }
  }
  return false;
}
