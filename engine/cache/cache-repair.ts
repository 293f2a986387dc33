import type { Queryable } from "../../db/queryable.ts";
import { relationExists } from "../../db/relation-exists.ts";
import { VIEWS_SCHEMA } from "../build-schema.ts";

/** Only one process at a time may make the table. */
const LOCK = 4_120_213;

const TABLE = `"${VIEWS_SCHEMA}"._cache_repair`;
const COLUMNS = `chain_id::int8 as "chainId", from_block::int8 as "fromBlock", reason, state,
  trimmed_at as "trimmedAt", attempts, tried_at as "triedAt"`;

/**
 * What is to be asked again of a chain, a row of `escrow._cache_repair` each:
 *
 *   ordered ──every engine ends; the next indexer trims the cache at its start──► trimmed
 *   trimmed ──the live deployment has what the cache has, as it is now──► (no row)
 *
 * An order is carried out by whoever starts next, so it does not matter who dies. Until there is no
 * row any more, the live deployment may lack events from that block on, or have some too many.
 */
export type CacheRepair = {
  chainId: number;
  /** First block that is asked for again. */
  fromBlock: number;
  /** In words, for the log. */
  reason: string;
  state: "ordered" | "trimmed";
  trimmedAt: Date | null;
  /** Replays that were begun for it. */
  attempts: number;
  triedAt: Date | null;
};

/** Makes the table; safe to call at the same time from several processes. */
export async function ensureCacheRepairs(db: Queryable): Promise<void> {
  if (await hasTable(db)) return;
  await db.query(
    `select pg_advisory_xact_lock(${LOCK});
     create schema if not exists "${VIEWS_SCHEMA}";
     create table if not exists ${TABLE} (
       chain_id bigint primary key,
       from_block bigint not null,
       reason text not null,
       state text not null check (state in ('ordered', 'trimmed')),
       ordered_at timestamptz not null default now(),
       trimmed_at timestamptz,
       attempts integer not null default 0,
       tried_at timestamptz)`,
  );
}

/** Orders that everything from a block on is asked again; of two orders the earlier block counts. */
export async function orderRepair(
  db: Queryable,
  { chainId, fromBlock, reason }: Pick<CacheRepair, "chainId" | "fromBlock" | "reason">,
): Promise<void> {
  await db.query(
    `insert into ${TABLE} as r (chain_id, from_block, reason, state)
     values ($1, $2, $3, 'ordered')
     on conflict (chain_id) do update set
       from_block = least(r.from_block, excluded.from_block), reason = excluded.reason,
       state = 'ordered', ordered_at = now(), trimmed_at = null`,
    [chainId, fromBlock, reason],
  );
}

/** Every repair of these chains, or of all. */
export async function readRepairs(db: Queryable, chainIds?: number[]): Promise<CacheRepair[]> {
  if (!(await hasTable(db))) return [];
  const { rows } = await db.query(
    `select ${COLUMNS} from ${TABLE}
     where $1::bigint[] is null or chain_id = any ($1::bigint[]) order by chain_id`,
    [chainIds ?? null],
  );
  return rows.map((row) => ({
    ...row,
    chainId: Number(row.chainId),
    fromBlock: Number(row.fromBlock),
  }));
}

/** Notes that the cache is trimmed as it was ordered. */
export async function recordTrim(db: Queryable, { chainId }: CacheRepair): Promise<void> {
  await db.query(`update ${TABLE} set state = 'trimmed', trimmed_at = now() where chain_id = $1`, [
    chainId,
  ]);
}

/** Notes that a replay begins because of these repairs. */
export async function recordAttempt(db: Queryable, chainIds: number[]): Promise<void> {
  await db.query(
    `update ${TABLE} set attempts = attempts + 1, tried_at = now() where chain_id = any ($1)`,
    [chainIds],
  );
}

/** Begins to count attempts from 0, because an operator wants another one. */
export async function forgetAttempts(db: Queryable, chainIds: number[]): Promise<void> {
  await db.query(`update ${TABLE} set attempts = 0, tried_at = null where chain_id = any ($1)`, [
    chainIds,
  ]);
}

/** The live deployment has what the cache has. */
export async function endRepair(db: Queryable, chainId: number): Promise<void> {
  await db.query(`delete from ${TABLE} where chain_id = $1`, [chainId]);
}

async function hasTable(db: Queryable): Promise<boolean> {
  return await relationExists(db, VIEWS_SCHEMA, "_cache_repair");
}
