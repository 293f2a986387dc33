/** State is O(keys), besides what waits for a gap to be filled or for a person. */
export function highWaterMarkTables(schema: string): string {
  return `
    create table ${schema}.high_water_mark (
      consumer     text not null,
      publication  text not null,
      ordering_key text not null,
      -- Sequences 1 … sequence are applied (or skipped by a person), none after it is.
      sequence     bigint not null check (sequence >= 0),
      -- The last one applied, to tell a copy of it from something else in its place.
      message_id   text,
      hash         text,
      -- How many messages of this key are in parked_message.
      parked       bigint not null default 0 check (parked >= 0),
      -- Sequence of the dead letter that this key waits for; null while it flows.
      blocked_at   bigint,
      -- Failures of the next message so far, and the latest.
      attempts     integer not null default 0,
      last_error   text,
      updated_at   timestamptz not null default now(),
      primary key (consumer, publication, ordering_key)
    );
    create index high_water_mark_waiting on ${schema}.high_water_mark (consumer)
      where parked > 0 or blocked_at is not null;

    -- Came before their predecessors, or wait to be tried again. Always above the mark.
    create table ${schema}.parked_message (
      consumer     text not null,
      publication  text not null,
      ordering_key text not null,
      sequence     bigint not null,
      message_id   text not null,
      hash         text not null,
      data         bytea not null,
      attributes   jsonb not null,
      publish_time timestamptz,
      parked_at    timestamptz not null default now(),
      primary key (consumer, publication, ordering_key, sequence)
    );

    create table ${schema}.dead_letter (
      id           bigint generated always as identity primary key,
      consumer     text not null,
      -- Null when the message did not say where it belongs; then no key waits for it.
      publication  text,
      ordering_key text,
      sequence     bigint,
      message_id   text,
      hash         text not null,
      data         bytea not null,
      attributes   jsonb not null,
      publish_time timestamptz,
      reason       text not null,
      attempts     integer not null,
      dead_at      timestamptz not null default now(),
      -- 'skipped': the key went on without it. 'retried': given back to the key. Null: undecided.
      resolution   text check (resolution in ('skipped', 'retried')),
      resolved_at  timestamptz,
      unique (consumer, hash)
    );`;
}
