import type pg from "pg";
import { VIEWS_SCHEMA } from "./build-schema.ts";

/** Only one process at a time may replace a function. */
const LOCK = 4_120_211;

/*
 * `escrow.status()` says of each chain how far the index is, and since when it is catching up.
 * `escrow.steady()` is true, or an error while it does: in the `where` of a query it is called once,
 * before a row is read and in the same snapshot.
 *
 * Only the start of the deployment that the views show counts; another one may be indexed beside it
 * for hours. The functions look everything up when they are called, because the engine replaces the
 * views, which it could not do while something depended on them.
 */
const FUNCTIONS = `
  create or replace function "${VIEWS_SCHEMA}".status()
  returns table (chain_id bigint, indexed_block bigint, indexed_at timestamptz,
                 is_catching_up boolean, catching_up_since timestamptz)
  language plpgsql stable security definer set search_path = pg_catalog as $$
  begin
    return query
      select c.chain_id::bigint, substring(c.latest_checkpoint, 27, 16)::bigint,
             to_timestamp(left(c.latest_checkpoint, 10)::bigint),
             s.started_at is not null, s.started_at
      from "${VIEWS_SCHEMA}"._ponder_checkpoint c
      left join "${VIEWS_SCHEMA}"._engine_start s
        on not s.is_settled and s.deployment in (
          select n.nspname
          from pg_rewrite r
          join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
          join pg_class t on t.oid = d.refobjid and t.relkind = 'r'
          join pg_namespace n on n.oid = t.relnamespace
          where r.ev_class = '"${VIEWS_SCHEMA}"._ponder_meta'::regclass)
      order by c.chain_id;
  end $$;

  create or replace function "${VIEWS_SCHEMA}".steady() returns boolean
  language plpgsql stable security definer set search_path = pg_catalog as $$
  declare
    since timestamptz := (select max(catching_up_since) from "${VIEWS_SCHEMA}".status());
  begin
    if since is not null then
      raise exception 'the index is catching up since %, after a start of the engine', since
        using errcode = 'object_not_in_prerequisite_state', hint = 'Try again in some seconds.';
    end if;
    return true;
  end $$;`;

/** Makes the functions by which readers of the SQL views learn whether the index is catching up. */
export async function ensureSqlStatus(client: pg.Client): Promise<void> {
  await client.query("begin");
  try {
    await client.query("select pg_advisory_xact_lock($1)", [LOCK]);
    await client.query(`create schema if not exists "${VIEWS_SCHEMA}"`);
    await client.query(
      `create table if not exists "${VIEWS_SCHEMA}"._engine_start (
         deployment text primary key,
         is_settled boolean not null,
         started_at timestamptz not null)`,
    );
    await client.query(FUNCTIONS);
    await client.query("commit");
  } catch (error) {
    await client.query("rollback");
    throw error;
  }
}
