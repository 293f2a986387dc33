import pg from "pg";
import { messageOf } from "../config/classify-error.ts";
import { ConfigError, type ConfigProblem } from "../config/config-error.ts";
import type { ErrorCode } from "../config/error-catalogue.ts";
import type { VariableName } from "../config/variables.ts";
import { type DatabaseUse, missingRights } from "./missing-rights.ts";

/** What the engine asks for. */
const MIN_VERSION = 14;
const CONNECT_TIMEOUT_MS = 10_000;
/** SQLSTATE classes of a wrong user or password, and of a database that there is none of; no URL. */
const REFUSED_FOR_GOOD = /^(28|3D|ERR_INVALID_URL)/;

type Needs = {
  /** The variable that names it, for the error. */
  variable?: VariableName;
  /** What it is for: nothing that this does not need is asked for. */
  use?: DatabaseUse;
};

/**
 * Makes sure that the database can be used for what it is wanted for, before anything is begun.
 *
 * @throws ConfigError when it cannot be reached, is too old, or the role lacks a right, each named
 */
export async function checkDatabase(
  url: string,
  { variable = "DATABASE_URL", use = "indexer" }: Needs = {},
): Promise<void> {
  const problem = (code: ErrorCode, what: string): ConfigProblem => ({
    where: variable,
    what,
    code,
  });
  let client: pg.Client;
  try {
    client = new pg.Client({
      connectionString: url,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: CONNECT_TIMEOUT_MS,
    });
    client.on("error", () => undefined);
    await client.connect();
  } catch (error) {
    const { code = "" } = error as { code?: string };
    const what = `cannot connect to ${withoutPassword(url)}: ${messageOf(error)}`;
    const isRefused = REFUSED_FOR_GOOD.test(code);
    throw new ConfigError(
      [problem(isRefused ? "ES-DATABASE-REFUSED" : "ES-DATABASE-UNREACHABLE", what)],
      { cause: error },
    );
  }
  try {
    const { rows } = await client.query(
      "select current_setting('server_version_num')::int / 10000 as version",
    );
    const { version } = rows[0];
    if (version < MIN_VERSION)
      throw new ConfigError([
        problem(
          "ES-DATABASE-OLD",
          `PostgreSQL ${version} is too old: ${MIN_VERSION} or newer is needed`,
        ),
      ]);
    const missing = await missingRights(client, use);
    if (missing.length > 0)
      throw new ConfigError(missing.map((what) => problem("ES-DATABASE-REFUSED", what)));
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
