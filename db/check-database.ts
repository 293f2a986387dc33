import pg from "pg";
import { messageOf } from "../config/classify-error.ts";
import { ConfigError } from "../config/config-error.ts";
import type { ErrorCode } from "../config/error-catalogue.ts";

/** What the engine asks for. */
const MIN_VERSION = 14;
const CONNECT_TIMEOUT_MS = 10_000;
/** SQLSTATE classes of a wrong user or password, and of a database that there is none of; no URL. */
const REFUSED_FOR_GOOD = /^(28|3D|ERR_INVALID_URL)/;

type Needs = {
  /** The variable that names it, for the error. */
  variable?: string;
  /** Whether we have to be allowed to create schemas in it. */
  mayCreate?: boolean;
};

/**
 * Makes sure that the database can be used, before anything is begun.
 *
 * @throws ConfigError when it cannot be reached, is too old, or lets us create no schema
 */
export async function checkDatabase(
  url: string,
  { variable = "DATABASE_URL", mayCreate = true }: Needs = {},
): Promise<void> {
  const problem = (code: ErrorCode, what: string, cause?: unknown): ConfigError =>
    new ConfigError([{ where: variable, what, code }], { cause });
  let client: pg.Client;
  try {
    client = new pg.Client({
      connectionString: url,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    });
    client.on("error", () => undefined);
    await client.connect();
  } catch (error) {
    const { code = "" } = error as { code?: string };
    throw problem(
      REFUSED_FOR_GOOD.test(code) ? "ES-DATABASE-REFUSED" : "ES-DATABASE-UNREACHABLE",
      `cannot connect to ${withoutPassword(url)}: ${messageOf(error)}`,
      error,
    );
  }
  try {
    const { rows } = await client.query(`
      select current_setting('server_version_num')::int / 10000 as version,
             current_database() as database, current_user as "user",
             has_database_privilege(current_database(), 'create') as may_create`);
    const { version, database, user, may_create } = rows[0];
    if (version < MIN_VERSION)
      throw problem(
        "ES-DATABASE-OLD",
        `PostgreSQL ${version} is too old: ${MIN_VERSION} or newer is needed`,
      );
    if (mayCreate && !may_create)
      throw problem(
        "ES-DATABASE-REFUSED",
        `user ${user} may not create schemas: grant create on database ${database} to ${user}`,
      );
  } finally {
    await client.end();
  }
}

/** A database URL that may be printed. */
function withoutPassword(url: string): string {
  try {
    const parsed = new URL(url);
    if (parsed.password) parsed.password = "***";
    return parsed.href;
  } catch {
    return "(not a URL)";
  }
}
