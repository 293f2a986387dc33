import type pg from "pg";
import { relationExists } from "../db/relation-exists.ts";
import { withClient } from "../db/with-client.ts";

/** Only one process at a time may make the tables. */
const LOCK = 4_120_212;

export const WITNESS_SCHEMA = "witness";

/*
 * What the witness knows, apart from every deployment and build: it survives all of them.
 *
 * - `lease`: who works on a chain. `epoch` grows with every owner, and fences what owners write.
 * - `scope`: how far a chain is proven, for what is followed there (`scope` is a hash of that). What
 *   was published as final before there was a witness ends at `gate_from`; from there on the forward
 *   lane proves up to `proven_through`, and the history lane, beside it, what came before.
 * - `piece`: blocks in a row that are proven, with the hash of our events in them.
 * - `child`: escrows that a factory announced. Those that are not proven came from the event store:
 *   they were announced in history that is not proven yet.
 * - `verified`: the gate. The event store of that deployment has, through that block, exactly what
 *   the chain is proven to have logged. Without a row nothing is verified. Of history up to
 *   `gate_from` a publication gets nothing new until `history_through` is there.
 * - `finding`: what the event store and the chain differ in. It holds `verified` back while it is
 *   not healed.
 */
const WITNESS_SQL = `
  create schema if not exists ${WITNESS_SCHEMA};

  create table if not exists ${WITNESS_SCHEMA}.lease (
    chain_id bigint primary key,
    owner text not null,
    epoch bigint not null,
    expires_at timestamptz not null);

  create table if not exists ${WITNESS_SCHEMA}.scope (
    chain_id bigint not null,
    scope text not null,
    -- The first block that anything is followed from.
    start_block bigint not null,
    gate_from bigint not null,
    -- Hash of block gate_from, as the block behind it names its parent; null until that is proven.
    gate_hash text,
    proven_through bigint not null,
    proven_hash text,
    history_through bigint not null,
    history_hash text,
    -- Whether the chain's nodes know the tag \`finalized\`: once they do, it is waited for.
    has_finalized_tag boolean not null default false,
    proven_at timestamptz,
    basis text,
    primary key (chain_id, scope));
  -- Whether a bloom of the chain was seen to be none of its block's logs.
  alter table ${WITNESS_SCHEMA}.scope
    add column if not exists are_blooms_distrusted boolean not null default false;

  create table if not exists ${WITNESS_SCHEMA}.piece (
    chain_id bigint not null,
    scope text not null,
    from_block bigint not null,
    to_block bigint not null check (to_block >= from_block),
    last_hash text not null,
    -- Unix seconds of the first and the last block.
    first_time bigint not null,
    last_time bigint not null,
    events integer not null,
    -- Of the events alone, beginning with nothing (proof/audit/history-hash.ts).
    sha256 text not null,
    headers integer not null,
    receipts_blocks integer not null,
    basis text not null,
    -- Hosts of the endpoints that named the last block.
    named_by text[] not null default '{}',
    proven_at timestamptz not null default now(),
    primary key (chain_id, scope, from_block));
  -- Blocks with receipts that were passed over by their bloom alone; null in older rows.
  alter table ${WITNESS_SCHEMA}.piece add column if not exists bloom_blocks integer;

  create table if not exists ${WITNESS_SCHEMA}.child (
    chain_id bigint not null,
    scope text not null,
    escrow text not null,
    block_number bigint not null,
    revision text not null,
    is_proven boolean not null default true,
    primary key (chain_id, scope, escrow));

  create table if not exists ${WITNESS_SCHEMA}.verified (
    deployment text not null,
    chain_id bigint not null,
    through_block bigint not null,
    through_hash text,
    basis text not null,
    -- The same for history, from the first block on.
    history_through bigint not null,
    verified_at timestamptz not null default now(),
    primary key (deployment, chain_id));
  -- Where history ends. Until history_through is there, a publication gets nothing of it but what it
  -- had before; null in rows of older versions: all that they say is verified counts as history.
  alter table ${WITNESS_SCHEMA}.verified add column if not exists gate_from bigint;

  create table if not exists ${WITNESS_SCHEMA}.finding (
    id bigint generated always as identity primary key,
    deployment text not null,
    chain_id bigint not null,
    kind text not null check (kind in ('hole', 'phantom', 'differs')),
    event_id text not null,
    block_number bigint not null,
    detail text not null,
    found_at timestamptz not null default now(),
    healed_at timestamptz);
  -- What rests on it that the chain has it otherwise; null in what older versions found.
  alter table ${WITNESS_SCHEMA}.finding add column if not exists basis text;
  -- Of a phantom: the chain turned out to have the event.
  alter table ${WITNESS_SCHEMA}.finding add column if not exists withdrawn_at timestamptz;
  create unique index if not exists finding_open
    on ${WITNESS_SCHEMA}.finding (deployment, chain_id, kind, event_id) where healed_at is null;`;

/** Makes the tables where they are missing. Safe to call at the same time from several processes. */
export async function ensureWitnessTables(client: pg.ClientBase): Promise<void> {
  await client.query("begin");
  try {
    await client.query("select pg_advisory_xact_lock($1)", [LOCK]);
    await client.query(WITNESS_SQL);
    await client.query("commit");
  } catch (error) {
    await client.query("rollback");
    throw error;
  }
}

/**
 * The same for a process that only reads them. Where it may not make them it waits for them: the
 * indexer makes them, and the witness.
 */
export async function ensureReadableWitness(databaseUrl: string): Promise<void> {
  await withClient(databaseUrl, async (client) => {
    if (await relationExists(client, WITNESS_SCHEMA, "finding")) return;
    if (await mayMakeTables(client)) await ensureWitnessTables(client);
  });
}

async function mayMakeTables(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query(
    `select has_database_privilege(current_database(), 'create')
            and coalesce(has_schema_privilege(to_regnamespace($1)::oid, 'create'), true) as may`,
    [WITNESS_SCHEMA],
  );
  return rows[0].may;
}
