import type pg from "pg";

/** Tables of the journal, each after those that it refers to. */
const TABLES = [
  "database",
  "publication",
  "capture_cursor",
  "ordering_key",
  "message",
  "feed_counter",
  "feed_entry",
  "feed_history",
  "instance",
  "lease",
];

const DEADLOCK = "40P01";

/**
 * Backs the journal up as `pg_dump --schema=relay --data-only` does: every row, as one snapshot
 * sees it, while relays are at work. No PostgreSQL from npm has the tool itself.
 */
export async function backUpJournal(pool: pg.Pool): Promise<void> {
  await inTransaction(pool, "isolation level repeatable read", [
    "drop schema if exists backup cascade",
    "create schema backup",
    ...TABLES.map((table) => `create table backup.${table} as table relay.${table}`),
  ]);
}

/**
 * Loads the backup, as `pg_restore` does: every row is written again. Under relays that run on it
 * may take a try or two until it has every table for itself.
 */
export async function restoreJournal(pool: pg.Pool): Promise<void> {
  for (;;)
    try {
      await load(pool);
      return;
    } catch (error) {
      if ((error as { code?: string }).code !== DEADLOCK) throw error;
    }
}

async function load(pool: pg.Pool): Promise<void> {
  await inTransaction(pool, "", [
    `truncate ${TABLES.map((table) => `relay.${table}`).join(", ")}`,
    // As pg_restore does, which makes triggers when the rows are there.
    "alter table relay.message disable trigger number_messages",
    ...TABLES.map(
      (table) => `insert into relay.${table} overriding system value table backup.${table}`,
    ),
    "alter table relay.message enable trigger number_messages",
  ]);
}

async function inTransaction(pool: pg.Pool, mode: string, statements: string[]): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query(`begin ${mode}`);
    for (const statement of statements) await client.query(statement);
    await client.query("commit");
  } finally {
    // Not to be used again after a failure in between.
    client.release(true);
  }
}
