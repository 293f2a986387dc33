/*
 * What the engine keeps in a deployment's schema beside our tables (ponder 0.17,
 * `src/database/index.ts`, `actions.ts` and `src/drizzle/onchain.ts`). `engine-tables.test.ts`
 * compares all of it with what a running engine makes.
 */

/** One row, key `app`: build, tables, lock, whether the backfill is done. */
export const META_TABLE = "_ponder_meta";
/** One row per chain: how far it is indexed, final, and safe from being reverted after a crash. */
export const CHECKPOINT_TABLE = "_ponder_checkpoint";

export const PRIVATE_TABLES = [META_TABLE, CHECKPOINT_TABLE];

/** The engine's version of what it keeps in `META_TABLE`. */
export const META_VERSION = "6";

const REORG_PREFIX = "_reorg__";

/** The rows of a table as they were before each change in a block that is not final. */
export function reorgTable(table: string): string {
  return `${REORG_PREFIX}${table}`;
}

export function isReorgTable(table: string): boolean {
  return table.startsWith(REORG_PREFIX);
}

/** What a change in `reorgTable` did: before an insert there was no row. */
export const REORG_OPERATION = { insert: 0, update: 1, delete: 2 } as const;

/** Columns of `reorgTable` that its table has not. */
export const REORG_COLUMNS = ["operation_id", "operation", "checkpoint"];

/**
 * The procedure and the trigger by which the engine notifies readers of the views: a procedure in
 * the views' schema, and a trigger of the live deployment's checkpoints that calls it.
 */
export const NOTIFY_PROCEDURE = "live_query_notify()";

export function notifyTrigger(viewsSchema: string): string {
  return `${viewsSchema}_live_query_notify`;
}

/** What the engine writes into `META_TABLE`. Flags are 0 and 1; times are Unix milliseconds. */
export type Meta = {
  version: string;
  build_id: string;
  table_names: string[];
  view_names: string[];
  is_dev: 0 | 1;
  is_locked: 0 | 1;
  is_ready: 0 | 1;
  heartbeat_at: number;
};

/** SQL that makes the private tables, as the engine does. */
export function privateTablesSql(schema: string): string {
  return `
    create table "${schema}".${META_TABLE} (key text primary key, value jsonb not null);
    create table "${schema}".${CHECKPOINT_TABLE} (
      chain_name text primary key, chain_id bigint not null,
      safe_checkpoint varchar(75) not null, latest_checkpoint varchar(75) not null,
      finalized_checkpoint varchar(75) not null);`;
}
