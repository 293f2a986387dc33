import { type Kysely, sql } from "kysely";

/*
 * Why a halt may end by itself. Relays of before go on beside this one: they read and write
 * `halted_reason` alone, so a halt counts as one of these only while its reason is the one in here.
 */
/** @public called by the migrator */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table relay.publication
      -- The kind of halt, its reason, and the block that was final and is said to be replaced. Null:
      -- the halt ends by an operator's hand alone.
      add column if not exists halted_for jsonb`.execute(db);
}
