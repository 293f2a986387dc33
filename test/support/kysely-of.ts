import { Kysely, PostgresDialect } from "kysely";
import pg from "pg";
import { onTestFinished } from "vitest";

/** Connections that end with the test. */
export function kyselyOf(url: string): Kysely<unknown> {
  const pool = new pg.Pool({ connectionString: url });
  pool.on("error", () => undefined);
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  onTestFinished(() => db.destroy());
  return db;
}
