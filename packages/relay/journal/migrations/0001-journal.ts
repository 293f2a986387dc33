import { type Kysely, sql } from "kysely";

/*
 * The journal: the durable ledger of what was published. It survives redeploys, rebuilds
 * and rollbacks of what it was captured from. Rows of `message` never change.
 */
/** @public called by the migrator */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table relay.publication (
      id            smallint generated always as identity primary key,
      topic         text not null unique,
      -- 'finalized', 'latest', or 'confirmations:<n>'
      finality      text not null,
      -- null: the outbox row's own key; otherwise that many hashed keys. Fixed when created.
      key_count     integer check (key_count > 0),
      -- Keys are spread over these, the unit that a lease is held on. Fixed when created.
      partitions    smallint not null default 32 check (partitions > 0),
      -- Why nothing more is captured or published; null while all is well.
      halted_reason text,
      created_at    timestamptz not null default now()
    )`.execute(db);

  await sql`
    create table relay.capture_cursor (
      publication_id   smallint not null references relay.publication,
      -- The build that the outbox belongs to: another build is read from its beginning again.
      deployment       text not null,
      chain_id         bigint not null,
      -- The last row looked at. While it is still there, everything before it is, too.
      tip_position     text not null,
      tip_event_id     text not null,
      -- The last row that was final when looked at: where to begin when the tip is gone.
      settled_position text not null default '',
      primary key (publication_id, deployment, chain_id)
    )`.execute(db);

  await sql`
    create table relay.ordering_key (
      publication_id     smallint not null references relay.publication,
      ordering_key       text not null,
      partition          smallint not null,
      -- Captured so far: sequences 1 … last_sequence exist, without a gap.
      last_sequence      bigint not null,
      -- Known to be accepted by Pub/Sub.
      published_sequence bigint not null default 0,
      -- In doubt: sent, perhaps accepted. Recorded before the request leaves. While it is above
      -- published_sequence, nothing of this key is sent but a barrier.
      in_doubt_sequence  bigint not null default 0,
      -- Nobody waits for the answer any more: it has to be found out from the receipts.
      is_doubted         boolean not null default false,
      -- The last sequence that was read back from the topic itself.
      receipt_sequence   bigint not null default 0,
      in_doubt_at        timestamptz,
      -- A message that Pub/Sub will never take; the key waits for a person.
      blocked_reason     text,
      primary key (publication_id, ordering_key),
      check (published_sequence <= in_doubt_sequence and in_doubt_sequence <= last_sequence)
    )`.execute(db);
  await sql`
    create index ordering_key_backlog on relay.ordering_key (publication_id, ordering_key)
      where published_sequence < last_sequence`.execute(db);
  await sql`
    create index ordering_key_in_doubt on relay.ordering_key (publication_id, partition)
      where published_sequence < in_doubt_sequence`.execute(db);

  await sql`
    create table relay.message (
      publication_id smallint not null references relay.publication,
      ordering_key   text not null,
      -- 1, 2, 3 … per key, given at capture.
      sequence       bigint not null,
      kind           text not null default 'event' check (kind in ('event', 'retraction')),
      event_id       text not null,
      -- 1 for the first time that the chain had this event; more when it came back after a reorg.
      incarnation    integer not null default 1,
      chain_id       bigint not null,
      block_number   bigint not null,
      block_hash     text not null,
      position       text not null,
      -- The bytes of the message: every copy ever sent is made of these two.
      body           text not null,
      attributes     jsonb not null,
      captured_at    timestamptz not null default clock_timestamp(),
      primary key (publication_id, ordering_key, sequence),
      unique (publication_id, event_id, kind, incarnation)
    )`.execute(db);

  // What a rollback may concern: the messages of a chain behind its last final position.
  await sql`
    create index message_position on relay.message (publication_id, chain_id, position)`.execute(
    db,
  );

  await sql`
    create table relay.instance (
      id         text primary key,
      expires_at timestamptz not null
    )`.execute(db);

  await sql`
    create table relay.lease (
      publication_id smallint not null references relay.publication,
      -- A partition of the keys, or -1: the leader, who captures and resolves doubts.
      partition      smallint not null,
      owner          text,
      -- Raised by every change of owner; bookkeeping of an older epoch is refused.
      epoch          bigint not null default 0,
      expires_at     timestamptz,
      primary key (publication_id, partition)
    )`.execute(db);
}
