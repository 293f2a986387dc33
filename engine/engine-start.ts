import { setTimeout } from "node:timers/promises";
import type pg from "pg";
import { withClient } from "../db/with-client.ts";
import { VIEWS_SCHEMA } from "./build-schema.ts";
import { ensureSqlStatus } from "./ensure-sql-status.ts";

/** A chain's checkpoint before the engine began, and the version of its row. */
export type CheckpointBefore = { chainId: string; checkpoint: string; rowVersion: string };

const POLL_MS = 200;
const RETRY_MS = 1_000;
/** A chain that went back while the engine was away never gets where it was. */
const GIVE_UP_MS = 60_000;

/**
 * Writes down that an engine begins on a deployment, before it takes back everything that is not
 * final. Until it is settled again, the API takes missing rows for that, and not for a reorg.
 *
 * @returns how far the deployment was, or for a new one the live deployment; empty for the first
 */
export async function recordEngineStart(
  databaseUrl: string,
  schema: string,
): Promise<CheckpointBefore[]> {
  return await withClient(databaseUrl, async (client) => {
    await ensureSqlStatus(client);
    const own = await readCheckpoints(client, schema);
    // A new deployment has to get where the live one is, before or after it takes its place.
    const before =
      own.length > 0
        ? own
        : (await readCheckpoints(client, VIEWS_SCHEMA)).map((row) => ({ ...row, rowVersion: "" }));
    await client.query(
      `insert into "${VIEWS_SCHEMA}"._engine_start values ($1, $2, now())
       on conflict (deployment) do update
         set is_settled = excluded.is_settled, started_at = excluded.started_at`,
      [schema, before.length === 0],
    );
    return before;
  });
}

/**
 * Waits until the engine has indexed anew what it took back, and writes that down. Its checkpoint
 * stands still, wrong, until the first block after the start: so the row has to have changed, too.
 * Tries again whenever the database does not answer.
 */
export async function recordEngineSettled(
  databaseUrl: string,
  schema: string,
  before: CheckpointBefore[],
): Promise<void> {
  if (before.length === 0) return;
  for (;;)
    try {
      return await waitUntilSettled(databaseUrl, schema, before);
    } catch {
      // A database that is away takes the engine with it, or is back soon.
      await setTimeout(RETRY_MS);
    }
}

async function waitUntilSettled(
  databaseUrl: string,
  schema: string,
  before: CheckpointBefore[],
): Promise<void> {
  await withClient(databaseUrl, async (client) => {
    let deadlineMs = performance.now() + GIVE_UP_MS;
    while (performance.now() < deadlineMs) {
      if (!(await isReady(client, schema))) deadlineMs = performance.now() + GIVE_UP_MS;
      const now = await readCheckpoints(client, schema);
      const isSettled = before.every(({ chainId, checkpoint, rowVersion }) =>
        now.some(
          (row) =>
            row.chainId === chainId &&
            row.rowVersion !== rowVersion &&
            row.checkpoint >= checkpoint,
        ),
      );
      if (isSettled) break;
      await setTimeout(POLL_MS);
    }
    await client.query(
      `update "${VIEWS_SCHEMA}"._engine_start set is_settled = true where deployment = $1`,
      [schema],
    );
  });
}

/** Makes sure that there is something to read, also where no engine of this version ever began. */
export async function ensureEngineStarts(databaseUrl: string): Promise<void> {
  await withClient(databaseUrl, async (client) => {
    // Whoever only reads may not be allowed to make anything.
    const { rows } = await client.query("select to_regprocedure($1) is not null as exists", [
      `${VIEWS_SCHEMA}.steady()`,
    ]);
    if (!rows[0].exists) await ensureSqlStatus(client);
  });
}

async function readCheckpoints(client: pg.Client, schema: string): Promise<CheckpointBefore[]> {
  const { rows: found } = await client.query("select to_regclass($1) is not null as exists", [
    `"${schema}"._ponder_checkpoint`,
  ]);
  if (!found[0].exists) return [];
  // A view has no row versions.
  const rowVersion = schema === VIEWS_SCHEMA ? "''" : "xmin::text";
  const { rows } = await client.query(
    `select chain_id::text as "chainId", latest_checkpoint as checkpoint,
            ${rowVersion} as "rowVersion"
     from "${schema}"._ponder_checkpoint`,
  );
  return rows;
}

/** Whether the engine's backfill is done, which may take hours. */
async function isReady(client: pg.Client, schema: string): Promise<boolean> {
  const { rows } = await client
    .query(
      `select value ->> 'is_ready' = '1' as is_ready from "${schema}"._ponder_meta where key = 'app'`,
    )
    .catch(() => ({ rows: [] }));
  return rows[0]?.is_ready ?? false;
}
