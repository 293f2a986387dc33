import type pg from "pg";

/** Makes the journal what it was before migration 0005, with the rows that it has. */
export async function undoFeed(pool: pg.Pool): Promise<void> {
  await pool.query(`
    drop view relay.feed, relay.feed_publication;
    drop trigger number_messages on relay.message;
    drop function relay.number_messages();
    drop table relay.feed_entry, relay.feed_history, relay.feed_counter;
    delete from relay.addition where name = '0005-feed-offset'`);
}
