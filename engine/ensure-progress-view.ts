import type pg from "pg";
import { relationExists } from "../db/relation-exists.ts";
import { withClient } from "../db/with-client.ts";
import { VIEWS_SCHEMA } from "./build-schema.ts";
import { timeOfSql, wholeBlockSql } from "./checkpoint.ts";
import { CHECKPOINT_TABLE, META_TABLE } from "./private-tables.ts";

/** Only one process at a time may replace a function. */
const LOCK = 4_120_211;

const PROGRESS_VIEW = "chain_progress";
const VERIFIED_VIEW = "chain_verified";

/** Kept under its first name, as engines of older versions may write it at the same time. */
const IS_CAUGHT_UP = "is_settled";

/** The schema that the stable views show, in SQL. */
const LIVE_DEPLOYMENT = `
  select n.nspname
  from pg_rewrite r
  join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
  join pg_class t on t.oid = d.refobjid and t.relkind = 'r'
  join pg_namespace n on n.oid = t.relnamespace
  where r.ev_class = '"${VIEWS_SCHEMA}".${META_TABLE}'::regclass`;

/*
 * `escrow.chain_progress` is for everybody who asks how far the index is: one row per chain that
 * the live deployment follows, none while there is no live deployment. Blocks are the last ones that
 * are wholly indexed, final, and safe from being reverted by a restart of the engine.
 * `catching_up_since` is set from the start of an engine until it has re-indexed what it reverted.
 *
 * The view reads a function, because the engine drops and creates its own views when a deployment
 * becomes live, which it could not while another view depended on them. Only the start of the
 * engine on the live deployment counts; another one may be indexed beside it for hours.
 *
 * `escrow.chain_verified` is through which block each chain's events were compared with the chain
 * itself, by what, and when: no row where nothing was.
 *
 * `escrow.status()` is an older form of the same. `escrow.steady()` is true, or an error while the
 * index catches up: in the `where` of a query it is called once, before a row is read and in the
 * same snapshot.
 */
export const PROGRESS_SQL = `
  create schema if not exists "${VIEWS_SCHEMA}";
  create table if not exists "${VIEWS_SCHEMA}"._engine_start (
    deployment text primary key,
    ${IS_CAUGHT_UP} boolean not null,
    started_at timestamptz not null);

  create or replace function "${VIEWS_SCHEMA}"._chain_progress()
  returns table (
    chain_id bigint, chain_name text, build_id text, is_ready boolean,
    indexed_block bigint, indexed_at timestamptz, final_block bigint, final_at timestamptz,
    safe_block bigint, safe_at timestamptz, catching_up_since timestamptz)
  language plpgsql stable security definer set search_path = pg_catalog rows 10 as $$
  begin
    if to_regclass('"${VIEWS_SCHEMA}".${META_TABLE}') is null
       or to_regclass('"${VIEWS_SCHEMA}".${CHECKPOINT_TABLE}') is null then
      return;
    end if;
    return query
      select c.chain_id::bigint, c.chain_name::text, m.value ->> 'build_id',
             coalesce(m.value ->> 'is_ready' = '1', false),
             ${columnsOf("latest")}, ${columnsOf("finalized")}, ${columnsOf("safe")},
             s.started_at
      from "${VIEWS_SCHEMA}".${CHECKPOINT_TABLE} c
      join "${VIEWS_SCHEMA}".${META_TABLE} m on m.key = 'app'
      left join "${VIEWS_SCHEMA}"._engine_start s
        on not s.${IS_CAUGHT_UP} and s.deployment in (
          ${LIVE_DEPLOYMENT})
      order by c.chain_id;
  end $$;

  create or replace view "${VIEWS_SCHEMA}".${PROGRESS_VIEW} as
    select * from "${VIEWS_SCHEMA}"._chain_progress();

  create or replace function "${VIEWS_SCHEMA}"._chain_verified()
  returns table (chain_id bigint, verified_block bigint, verified_at timestamptz, basis text)
  language plpgsql stable security definer set search_path = pg_catalog rows 10 as $$
  begin
    if to_regclass('"${VIEWS_SCHEMA}".${META_TABLE}') is null
       or to_regclass('witness.verified') is null then
      return;
    end if;
    return query
      select v.chain_id, v.through_block, v.verified_at, v.basis
      from witness.verified v where v.deployment in (${LIVE_DEPLOYMENT});
  end $$;

  create or replace view "${VIEWS_SCHEMA}".${VERIFIED_VIEW} as
    select * from "${VIEWS_SCHEMA}"._chain_verified();

  create or replace function "${VIEWS_SCHEMA}".status()
  returns table (chain_id bigint, indexed_block bigint, indexed_at timestamptz,
                 is_catching_up boolean, catching_up_since timestamptz)
  language plpgsql stable security definer set search_path = pg_catalog as $$
  begin
    return query
      select p.chain_id, p.indexed_block, p.indexed_at, p.catching_up_since is not null,
             p.catching_up_since
      from "${VIEWS_SCHEMA}".${PROGRESS_VIEW} p;
  end $$;

  create or replace function "${VIEWS_SCHEMA}".steady() returns boolean
  language plpgsql stable security definer set search_path = pg_catalog as $$
  declare
    since timestamptz :=
      (select max(p.catching_up_since) from "${VIEWS_SCHEMA}".${PROGRESS_VIEW} p);
  begin
    if since is not null then
      raise exception 'the index is catching up since %, after a start of the engine', since
        using errcode = 'object_not_in_prerequisite_state', hint = 'Try again in some seconds.';
    end if;
    return true;
  end $$;`;

/**
 * Makes the view and the functions by which readers learn how far the index is; in a database of an
 * older version too. Safe to call at the same time from several processes.
 */
export async function ensureProgressView(client: pg.Client): Promise<void> {
  await client.query("begin");
  try {
    await client.query("select pg_advisory_xact_lock($1)", [LOCK]);
    await client.query(PROGRESS_SQL);
    await client.query("commit");
  } catch (error) {
    await client.query("rollback");
    throw error;
  }
}

/** The same for a process that only reads, and may not be allowed to make anything that is there. */
export async function ensureReadableProgress(databaseUrl: string): Promise<void> {
  await withClient(databaseUrl, async (client) => {
    if (!(await relationExists(client, VIEWS_SCHEMA, PROGRESS_VIEW)))
      await ensureProgressView(client);
  });
}

/** Notes that an engine begins on a deployment. */
export async function noteEngineStart(
  client: pg.Client,
  schema: string,
  { isCaughtUp }: { isCaughtUp: boolean },
): Promise<void> {
  await client.query(
    `insert into "${VIEWS_SCHEMA}"._engine_start values ($1, $2, now())
     on conflict (deployment) do update
       set ${IS_CAUGHT_UP} = excluded.${IS_CAUGHT_UP}, started_at = excluded.started_at`,
    [schema, isCaughtUp],
  );
}

/** Notes that the engine on a deployment has caught up again: readers need not wait. */
export async function noteCaughtUp(client: pg.Client, schema: string): Promise<void> {
  await client.query(
    `update "${VIEWS_SCHEMA}"._engine_start set ${IS_CAUGHT_UP} = true where deployment = $1`,
    [schema],
  );
}

function columnsOf(name: "latest" | "finalized" | "safe"): string {
  const checkpoint = `c.${name}_checkpoint`;
  return `${wholeBlockSql(checkpoint)}, ${timeOfSql(checkpoint)}`;
}
