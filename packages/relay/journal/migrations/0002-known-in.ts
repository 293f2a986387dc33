import { type Kysely, sql } from "kysely";

/*
 * Whether the journal is as new as the topic. It is, while it lives in the database that it was
 * last known to be complete in: a restored copy lives in another one, or in one that was started
 * again since.
 */
/** @public called by the migrator */
export async function up(db: Kysely<unknown>): Promise<void> {
  // A row that is never changed: whatever loads it from a dump writes it under another transaction.
  await sql`
    create table relay.database (only_row boolean primary key default true check (only_row))`.execute(
    db,
  );
  await sql`insert into relay.database default values`.execute(db);

  /*
   * `<cluster>/<timeline>/<database>/<transaction that wrote relay.database>|<server's start>`.
   * A dump that was loaded changes the fourth part, a copied database the third, a promoted standby
   * and a recovery to a point in time the second; a cluster whose files were put back keeps all
   * four, but was started since. Where a role may not ask for a part, it is "-".
   */
  await sql`
    create function relay.database_identity() returns text language plpgsql stable as $$
    declare
      cluster text := '-';
      timeline text := '-';
    begin
      if has_function_privilege('pg_control_system()', 'execute') then
        select system_identifier::text into cluster from pg_control_system();
      end if;
      begin
        timeline := left(pg_walfile_name(pg_current_wal_lsn()), 8);
      exception when insufficient_privilege or feature_not_supported then
        null;
      end;
      return format('%s/%s/%s/%s|%s', cluster, timeline,
        (select oid from pg_database where datname = current_database()),
        (select xmin from relay.database),
        extract(epoch from pg_postmaster_start_time()));
    end $$`.execute(db);

  await sql`
    alter table relay.publication
      -- Identity of the database that this publication's journal was last known to be complete in.
      -- While it is another one, nothing is captured or published. Null: not known of any.
      add column known_in text,
      -- A barrier on the topic, and when it was published by Pub/Sub's clock (or just before): all
      -- that was accepted earlier is marked as published here. From there on a restored journal
      -- has to read what the topic holds.
      add column receipts_mark text,
      add column receipts_marked_at timestamptz`.execute(db);
  // A journal with rows may have come out of an older dump: nothing here tells that from one that
  // was always here. So it is compared with the topic first, as after a start of the server.
  await sql`
    update relay.publication p
    set known_in = split_part(relay.database_identity(), '|', 1) || '|before known_in'
    where exists (select from relay.ordering_key where publication_id = p.id)`.execute(db);

  await sql`
    alter table relay.message
      -- False for what was read back from the topic, until the outbox shows its row: till then
      -- the position is only right up to the block.
      add column has_position boolean not null default true`.execute(db);
  await sql`
    create index message_without_position on relay.message (publication_id)
      where not has_position`.execute(db);
}
