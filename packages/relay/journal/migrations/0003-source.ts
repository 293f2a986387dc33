import { type Kysely, sql } from "kysely";

/*
 * The journal of any outbox. Of attributes it keeps what the outbox says: sequence, publication,
 * finality and the ids of what came back are put in by `@escrow-stream/messages` when a message is
 * sent. Rows from before hold all of them already, and what is put in is the same. The column has
 * another name, so that a relay of before, which would send too few, can claim and capture nothing.
 */
/** @public called by the migrator */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table relay.message rename column attributes to source_attributes`.execute(db);
  await sql`
    alter table relay.message
      -- Null where the outbox has no blocks; chain_id is the number of its line then.
      alter column block_number drop not null,
      alter column block_hash drop not null`.execute(db);
}
