import { Kysely, PostgresDialect } from "kysely";
import pg from "pg";

const CONNECTIONS = 2;

/**
 * Does some work over a few database connections of its own, and ends them.
 *
 * @throws what `work` throws
 */
export async function withKysely<T>(
  databaseUrl: string,
  work: (db: Kysely<unknown>) => Promise<T>,
): Promise<T> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: CONNECTIONS });
  // A pool opens a lost connection again; without a listener the event would end the process.
  pool.on("error", () => undefined);
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  try {
    return await work(db);
  } finally {
    await db.destroy();
  }
}
