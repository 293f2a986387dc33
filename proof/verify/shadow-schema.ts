import { sql } from "kysely";
import { ConfigError } from "../../config/config-error.ts";
import type { FrozenDatabase } from "../../db/frozen-database.ts";

/** Where shadow tables stand that nobody keeps: PostgreSQL's own place for a session's tables. */
export const TEMPORARY_SCHEMA = "pg_temp";
/** Where they stand when they are kept. */
export const KEPT_SCHEMA = "rebuild";

/**
 * Makes the schema of kept shadow tables, in place of the last one. It comes into being with the
 * end of the transaction: a run that was killed leaves what was there before.
 *
 * @throws ConfigError when another run is writing it
 */
export async function takeKeptSchema(database: FrozenDatabase): Promise<string> {
  const [lock] = await database.write(
    sql<{ taken: boolean }>`
      select pg_try_advisory_xact_lock(hashtextextended(${`escrow-stream ${KEPT_SCHEMA}`}, 0))
        as taken`,
  );
  if (!lock?.taken)
    throw new ConfigError([
      {
        where: "--keep",
        what: `another rebuild is writing schema ${KEPT_SCHEMA}: wait until it has ended`,
        mayPass: true,
      },
    ]);
  await database.write(sql`drop schema if exists ${sql.id(KEPT_SCHEMA)} cascade`);
  await database.write(sql`create schema ${sql.id(KEPT_SCHEMA)}`);
  return KEPT_SCHEMA;
}
