import type pg from "pg";
import { VIEWS_SCHEMA } from "../build-schema.ts";
import { noteCaughtUp } from "../ensure-progress-view.ts";
import { viewsSql } from "../ensure-views.ts";
import { CHECKPOINT_TABLE, NOTIFY_PROCEDURE, notifyTrigger } from "../private-tables.ts";
import { readEngineState } from "./engine-state.ts";
import { isOfBuild, recordSwap } from "./generation.ts";
import { tablesOf, viewedDeployment } from "./viewed-deployment.ts";

/** One wait for a lock. All waits of an attempt together stay below PostgreSQL's deadlock_timeout. */
const LOCK_TIMEOUT_MS = 40;
const LOCK_NOT_AVAILABLE = "55P03";
const DEADLOCK = "40P01";

export type SwapOutcome = "swapped" | "behind" | "busy";

/**
 * Points the stable views at another deployment of the same build, in one transaction, if it is at
 * least as far as the live one. Both have the same columns, so the views are replaced and not
 * dropped: rights that were granted on them stay.
 *
 * Locks: the live deployment's checkpoints against writing, so that it cannot get ahead; the new
 * one's checkpoints for a trigger; then every view, exclusively. A reader that holds one view and
 * waits for another could deadlock with that, and PostgreSQL would pick a victim after
 * `deadlock_timeout` (1 s): so each wait is short, and whoever cannot get a lock lets all of them go.
 *
 * @param before row versions of the new deployment's checkpoints when its engine began: until they
 *   change, they are those of before the start, and wrong
 * @throws when there is nothing of this build to take over from, or to
 */
export async function swapViews(
  client: pg.Client,
  build: string,
  schema: string,
  before: Map<number, string>,
): Promise<SwapOutcome> {
  await client.query("begin");
  try {
    await client.query(`set local lock_timeout = ${LOCK_TIMEOUT_MS}`);
    const live = await viewedDeployment(client);
    const tables = await tablesOf(client, schema);
    if (tables === null) throw new Error(`the deployment ${schema} is gone`);
    if (live === null || !isOfBuild(live, build))
      throw new Error(`the views show ${live ?? "nothing"}, which is not of this build`);
    if (live !== schema) {
      await client.query(`lock table "${live}".${CHECKPOINT_TABLE} in share mode`);
      if (!(await isAsFar(client, live, schema, before))) {
        await client.query("rollback");
        return "behind";
      }
      await moveTrigger(client, schema);
      await client.query(viewsSql(schema, tables));
    }
    await recordSwap(client, build, schema);
    // It has re-indexed what it reverted at its start, or it would be behind.
    await noteCaughtUp(client, schema);
    await client.query("commit");
    return "swapped";
  } catch (error) {
    await client.query("rollback");
    const { code = "" } = error as { code?: string };
    if (code === LOCK_NOT_AVAILABLE || code === DEADLOCK) return "busy";
    throw error;
  }
}

async function isAsFar(
  client: pg.Client,
  live: string,
  schema: string,
  before: Map<number, string>,
): Promise<boolean> {
  const old = await readEngineState(client, live);
  const next = await readEngineState(client, schema);
  return (
    next.isReady &&
    old.chains.every(({ chainId, latest }) => {
      const chain = next.chains.find((each) => each.chainId === chainId);
      return (
        chain !== undefined && chain.latest >= latest && chain.rowVersion !== before.get(chainId)
      );
    })
  );
}

/**
 * The engine notifies readers of the views through a trigger on the checkpoints of the deployment
 * that it gives the views (ponder 0.17, `src/database/actions.ts`, `createViews`).
 */
async function moveTrigger(client: pg.Client, schema: string): Promise<void> {
  const { rows } = await client.query("select to_regprocedure($1) is not null as exists", [
    `"${VIEWS_SCHEMA}".${NOTIFY_PROCEDURE}`,
  ]);
  if (!rows[0].exists) return;
  await client.query(
    `create or replace trigger "${notifyTrigger(VIEWS_SCHEMA)}"
     after insert or update or delete on "${schema}".${CHECKPOINT_TABLE}
     for each statement execute procedure "${VIEWS_SCHEMA}".${NOTIFY_PROCEDURE}`,
  );
}
