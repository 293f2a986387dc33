import type { Queryable } from "../../db/queryable.ts";
import { relationExists } from "../../db/relation-exists.ts";
import { VIEWS_SCHEMA } from "../build-schema.ts";

/**
 * The deployments that replays made, as rows of `escrow._generation`.
 *
 * A build's first deployment is `escrow_<hash>`; a replay makes `escrow_<hash>_r2`, `_r3` …
 *
 *   building ──same as the live one──► handover ──views swapped──► live ──next swap──► retired
 *      │                                  └──the indexer cannot run it──► failed          │
 *      └── dry run, differences, failed: dropped                     dropped, or kept for good
 *
 * `handover` is an order to the indexer: it starts again on that deployment, and swaps the views
 * when it is as far as the live one. So whoever dies, the next start of the indexer goes on.
 */
export type Generation = {
  schema: string;
  /** `escrow_<hash>`: what `deploymentSchema` says of the build. */
  build: string;
  number: number;
  state: "building" | "handover" | "live" | "retired" | "kept" | "failed";
};

/** The indexer gives a deployment up that it could not bring into place in that many starts. */
const MOST_STARTS = 5;

const COLUMNS = "schema, build, number, state";

/** Makes the table; safe to call at the same time from several processes. */
export async function ensureGenerations(db: Queryable): Promise<void> {
  if (await hasTable(db)) return;
  await db.query(`create schema if not exists "${VIEWS_SCHEMA}"`);
  await db.query(
    `create table if not exists "${VIEWS_SCHEMA}"._generation (
       schema text primary key,
       build text not null,
       number integer not null,
       state text not null
         check (state in ('building', 'handover', 'live', 'retired', 'kept', 'failed')),
       -- How often the indexer began on it while it was to be handed over.
       starts integer not null default 0,
       changed_at timestamptz not null default now(),
       unique (build, number))`,
  );
}

/** Every generation of every build, the oldest first. */
export async function readGenerations(db: Queryable): Promise<Generation[]> {
  if (!(await hasTable(db))) return [];
  const { rows } = await db.query(
    `select ${COLUMNS} from "${VIEWS_SCHEMA}"._generation order by build, number`,
  );
  return rows;
}

/**
 * The deployment that the indexer of a build has to run: one that is to be handed over, otherwise
 * the live one, otherwise the build's first.
 */
export async function wantedDeployment(
  db: Queryable,
  build: string,
): Promise<{ schema: string; isHandover: boolean }> {
  const generations = (await readGenerations(db)).filter((each) => each.build === build);
  const next = generations.find(({ state }) => state === "handover");
  const live = generations.find(({ state }) => state === "live");
  return { schema: (next ?? live)?.schema ?? build, isHandover: next !== undefined };
}

/**
 * Counts a start of the indexer on a deployment that is to be handed over.
 *
 * @returns false when that was tried too often: the deployment is given up, the live one goes on
 */
export async function countHandoverStart(db: Queryable, schema: string): Promise<boolean> {
  const { rows } = await db.query(
    `update "${VIEWS_SCHEMA}"._generation
     set starts = starts + 1,
         state = case when starts >= ${MOST_STARTS} then 'failed' else state end,
         changed_at = now()
     where schema = $1 and state = 'handover'
     returning state = 'handover' as "goesOn"`,
    [schema],
  );
  return rows[0]?.goesOn ?? false;
}

/** Writes down a deployment before it is made, so that it is known whatever happens. */
export async function addGeneration(db: Queryable, build: string): Promise<Generation> {
  const { rows } = await db.query(
    `insert into "${VIEWS_SCHEMA}"._generation (schema, build, number, state)
     select $1 || '_r' || n, $1, n, 'building'
     from (select 1 + greatest(1, max(number)) as n from "${VIEWS_SCHEMA}"._generation
           where build = $1) next
     returning ${COLUMNS}`,
    [build],
  );
  return rows[0];
}

/** Orders the indexer to go on with a deployment. */
export async function beginHandover(db: Queryable, schema: string): Promise<void> {
  await db.query(
    `update "${VIEWS_SCHEMA}"._generation set state = 'handover', starts = 0, changed_at = now()
     where schema = $1 and state = 'building'`,
    [schema],
  );
}

/** Within the swap's transaction: a deployment is live, the build's one that was is not any more. */
export async function recordSwap(db: Queryable, build: string, schema: string): Promise<void> {
  // The build's first deployment has no row of its own until now.
  await db.query(
    `insert into "${VIEWS_SCHEMA}"._generation (schema, build, number, state)
     values ($1, $1, 1, 'live') on conflict do nothing`,
    [build],
  );
  await db.query(
    `update "${VIEWS_SCHEMA}"._generation
     set state = case when schema = $2 then 'live' else 'retired' end, changed_at = now()
     where build = $1 and (schema = $2 or state = 'live')`,
    [build, schema],
  );
}

/** Whether a deployment is one of a build's generations. */
export function isOfBuild(schema: string, build: string): boolean {
  return schema === build || schema.startsWith(`${build}_r`);
}

/** Keeps a deployment that is no longer live: no later run removes it. */
export async function keepGeneration(db: Queryable, schema: string): Promise<void> {
  await db.query(
    `update "${VIEWS_SCHEMA}"._generation set state = 'kept', changed_at = now()
     where schema = $1 and state = 'retired'`,
    [schema],
  );
}

async function hasTable(db: Queryable): Promise<boolean> {
  return await relationExists(db, VIEWS_SCHEMA, "_generation");
}
