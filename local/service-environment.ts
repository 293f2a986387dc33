import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "../config/config-error.ts";

type Env = Record<string, string | undefined>;

const FILE = "environment.json";

/**
 * Writes down in the data folder where the embedded parts and the database are, for the commands
 * that work beside a running `npm start`. Only its user may read it: it holds the database's password.
 */
export function writeServiceEnvironment(dataDir: string, env: Record<string, string>): void {
  writeFileSync(join(dataDir, FILE), `${JSON.stringify(env, null, 2)}\n`, { mode: 0o600 });
}

/** Removes it when the parts are stopped. */
export function removeServiceEnvironment(dataDir: string): void {
  rmSync(join(dataDir, FILE), { force: true });
}

/**
 * Adds to an environment where the embedded parts of a running `npm start` are, unless it names
 * another database. Nothing happens when there is no such service.
 *
 * @throws ConfigError when the file in the data folder is none of ours
 */
export function addServiceEnvironment(env: Env, dataDir: string): void {
  const file = join(dataDir, FILE);
  if (!existsSync(file)) return;
  let found: Env;
  try {
    found = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    const what = `${file} cannot be read (${(error as Error).message}): start \`npm start\` again`;
    throw new ConfigError([{ where: "DATA_DIR", what }]);
  }
  if (env.DATABASE_URL && env.DATABASE_URL !== found.DATABASE_URL) return;
  for (const [name, value] of Object.entries(found)) env[name] ||= value;
}
