import { type RawBuilder, sql } from "kysely";
import type pg from "pg";

/** A table of an application that rows to publish are inserted into. */
export type OutboxTable = { schema: string; name: string };

/**
 * Statements that make an outbox table, for an application's own migrations:
 *
 *     insert into outbox (ordering_key, body, attributes) values ($1, $2, $3)
 *
 * in the transaction of what the message tells. `event_id` is the message's id, made up unless
 * given. The index is the relay's, which reads ids as text; the trigger wakes it at once, and may
 * be left out where NOTIFY is unwelcome: the relay polls as well.
 */
export function outboxTableSql(table: OutboxTable): string {
  const { schema, name } = table;
  const it = `${quote(schema)}.${quote(name)}`;
  const wake = `${quote(schema)}.${quote(`${name}_wake`)}`;
  return `
create table if not exists ${it} (
  -- Given by this column alone, one by one: the relay knows from it which rows cannot appear any more.
  id           bigint generated always as identity (cache 1) primary key,
  event_id     text not null unique default gen_random_uuid()::text
               check (octet_length(event_id) between 1 and 900),
  -- Messages of a key are published in the order of their ids.
  ordering_key text not null check (octet_length(ordering_key) between 1 and 1024),
  body         text not null check (octet_length(body) <= 8000000),
  -- An object of strings.
  attributes   jsonb not null default '{}' check (
    jsonb_typeof(attributes) = 'object'
    and not jsonb_path_exists(attributes, '$.* ? (@.type() != "string")')),
  created_at   timestamptz not null default now()
);
create index if not exists ${quote(`${name}_position`)} on ${it} ((lpad(id::text, ${DIGITS}, '0')));
create or replace function ${wake}() returns trigger language plpgsql as $$
begin
  perform pg_notify('${wakeChannelOf(table)}', '');
  return null;
end $$;
create or replace trigger ${quote(`${name}_wake`)} after insert on ${it}
  for each statement execute function ${wake}();`;
}

/** Makes the table, unless it is there. */
export async function createOutboxTable(
  db: Pick<pg.ClientBase, "query"> | Pick<pg.Pool, "query">,
  table: OutboxTable,
): Promise<void> {
  await db.query(outboxTableSql(table));
}

/** What the trigger notifies. */
export function wakeChannelOf({ schema, name }: OutboxTable): string {
  return `${schema}.${name}`.replaceAll(/\W/g, "_").slice(0, 58).concat("_wake");
}

/** As many as the greatest bigint has. */
const DIGITS = 19;

/** No row is behind it. */
export const LAST_POSITION = "9".repeat(DIGITS);

/** SQL for the position of an id: as text it sorts as the id does. */
export function positionOf(id: RawBuilder<unknown>): RawBuilder<string> {
  return sql`lpad(${id}::text, ${sql.lit(DIGITS)}, '0')`;
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
