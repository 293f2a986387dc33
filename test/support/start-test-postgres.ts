import {
  type PostgresOptions,
  type RunningPostgres,
  startPostgres,
} from "../../local/postgres/start-postgres.ts";

/**
 * The PostgreSQL that tests run on: the embedded one, or with `TEST_POSTGRES_BIN` (a folder with
 * `initdb` and `postgres`, such as /usr/lib/postgresql/14/bin) any other version.
 */
export function startTestPostgres(
  options: Omit<PostgresOptions, "password">,
): Promise<RunningPostgres> {
  const bin = process.env.TEST_POSTGRES_BIN || undefined;
  return startPostgres({ ...options, password: "escrow", durable: false, bin });
}
