import type { Queryable } from "@escrow-stream/consumer";

const LOCK_ID = 0x6c656467; // "ledg"

/**
 * Creates the ledger's tables. README.md says how to check them by SQL.
 *
 * @param schema a plain name, which the library's `migrate` has accepted before
 */
export async function createLedgerTables(tx: Queryable, schema: string): Promise<void> {
  await tx.query("select pg_advisory_xact_lock($1)", [LOCK_ID]);
  await tx.query(`
    -- Every message that was applied, in the order of application. Rows are never deleted.
    -- Nothing here is unique but its position, on purpose: that each message is applied once is the
    -- library's promise, and if it were broken, the rows would show it.
    create table if not exists ${schema}.applied_message (
      position       bigint generated always as identity primary key,
      publication    text not null,
      ordering_key   text not null,
      sequence       bigint not null,
      message_id     text not null,
      kind           text not null check (kind in ('event', 'retraction')),
      -- The fact; of a retraction, the fact that no longer stands.
      event_id       text not null,
      incarnation    integer not null,
      event_type     text not null,
      chain_id       bigint not null,
      escrow         text not null,
      -- Where in the chain; null for a retraction.
      block_number   bigint,
      log_index      integer,
      body           jsonb not null,
      -- Message id of the retraction; null while the fact stands.
      retracted_by   text,
      applied_at     timestamptz not null default clock_timestamp()
    );
    create index if not exists applied_message_escrow
      on ${schema}.applied_message (chain_id, escrow, block_number, log_index);

    -- The state of each escrow: the fold of its standing facts in chain order.
    create table if not exists ${schema}.escrow_ledger (
      chain_id           bigint not null,
      escrow             text not null,
      status             text not null
        check (status in ('unknown', 'created', 'approved', 'released', 'refunded')),
      factory            text,
      payer              text,
      payee              text,
      arbiter            text,
      amount             numeric(78),
      release_time       numeric(78),
      approvals_required integer,
      -- In the order of approval.
      approvers          text[] not null,
      approvals          integer generated always as (cardinality(approvers)) stored,
      -- Standing facts folded in, and the last of them.
      events             integer not null,
      last_event_id      text not null,
      last_block         bigint not null,
      last_log_index     integer not null,
      updated_at         timestamptz not null default clock_timestamp(),
      primary key (chain_id, escrow)
    );

    -- The money: one entry for each standing release and refund.
    create table if not exists ${schema}.ledger_entry (
      entry_id    bigint generated always as identity primary key,
      chain_id    bigint not null,
      escrow      text not null,
      kind        text not null check (kind in ('released', 'refunded')),
      amount      numeric(78) not null,
      beneficiary text not null,
      event_id    text not null,
      message_id  text not null,
      -- Unix seconds, as the chain has it.
      settled_at  numeric(78) not null,
      applied_at  timestamptz not null default clock_timestamp()
    );
    create index if not exists ledger_entry_escrow on ${schema}.ledger_entry (chain_id, escrow);

    create or replace view ${schema}.ledger_total as
      select chain_id, kind, count(*) as entries, sum(amount) as amount
      from ${schema}.ledger_entry group by chain_id, kind;`);
}
