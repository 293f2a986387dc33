import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { readRunningStack } from "../../config/running-stack.ts";
import { newPassword } from "../../db/roles/set-up-roles.ts";
import { urlOfRole } from "../../db/roles/url-of-role.ts";

/** The superuser of an embedded cluster, and what its password was before it was random. */
export const SUPERUSER = "escrow";
const PASSWORD_OF_OLD = "escrow";

const FILE = "postgres-superuser";
const WRONG_PASSWORD = "28P01";

/**
 * The password of the superuser of a data folder's cluster, made the first time. Only the user of the
 * folder may read it, and no process of ours but this one has it.
 */
export function superuserPassword(dataDir: string): string {
  const file = join(dataDir, FILE);
  if (!existsSync(file)) writeFileSync(file, `${newPassword()}\n`, { mode: 0o600, flag: "wx" });
  return readFileSync(file, "utf8").trim();
}

/**
 * Sees to it that the superuser's password is the one of the file: clusters of before have one that
 * everybody knows.
 *
 * @param url with the password of the file
 */
export async function ensureSuperuserPassword(url: string): Promise<void> {
  try {
    await connect(url).then((client) => client.end());
  } catch (error) {
    if ((error as { code?: string }).code !== WRONG_PASSWORD) throw error;
    const client = await connect(urlOfRole(url, SUPERUSER, PASSWORD_OF_OLD));
    const password = decodeURIComponent(new URL(url).password);
    await client.query("set log_statement = 'none'");
    await client.query(`alter role ${SUPERUSER} password ${pg.escapeLiteral(password)}`);
    await client.end();
  }
}

/** The embedded database of a running `npm start` as its superuser; null when the environment names another. */
export function embeddedSuperuser(
  dataDir: string,
  env: Record<string, string | undefined>,
): string | null {
  if (env.ADMIN_DATABASE_URL || !existsSync(join(dataDir, FILE))) return null;
  const { DATABASE_URL: url } = readRunningStack(dataDir, {});
  if (url === undefined || url !== env.DATABASE_URL) return null;
  return urlOfRole(url, SUPERUSER, superuserPassword(dataDir));
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  return client;
}
