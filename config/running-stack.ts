import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "./config-error.ts";
import type { Env } from "./section.ts";
import { VARIABLES } from "./variables.ts";

const FILE = "running.json";

type RunningStack = { pid: number; env: Record<string, string> };

/**
 * Writes down, in the data folder of a running `npm start`, how it is configured and where its
 * embedded parts are. Commands that work beside it read that. Only its user may: it holds the
 * database's password and the keys of providers.
 *
 * @returns removes it again
 */
export function writeRunningStack(dataDir: string, env: Env): () => void {
  const file = join(dataDir, FILE);
  const known = Object.entries(env).filter(
    (entry): entry is [string, string] => Boolean(entry[1]) && isOurs(entry[0]),
  );
  const stack: RunningStack = { pid: process.pid, env: Object.fromEntries(known) };
  // A mode is only given to a new file.
  rmSync(file, { force: true });
  writeFileSync(file, `${JSON.stringify(stack, null, 2)}\n`, { mode: 0o600 });
  return () => rmSync(file, { force: true });
}

/**
 * What a running `npm start` on that data folder adds to an environment. Nothing when none runs
 * there, or when the environment names another database: then it is about something else.
 *
 * @throws ConfigError when the file cannot be read
 */
export function readRunningStack(dataDir: string, env: Env): Record<string, string> {
  const stack = readStack(join(dataDir, FILE));
  if (stack === null || !isAlive(stack.pid)) return {};
  if (env.DATABASE_URL && env.DATABASE_URL !== stack.env.DATABASE_URL) return {};
  return Object.fromEntries(Object.entries(stack.env).filter(([name]) => !env[name]));
}

function readStack(file: string): RunningStack | null {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    const what = `${file} cannot be read (${(error as Error).message}): start npm start again, or set DATABASE_URL`;
    throw new ConfigError([{ where: "--data-dir", what, code: "ES-DATA-FOLDER" }], {
      cause: error,
    });
  }
}

function isOurs(name: string): boolean {
  return name in VARIABLES || name.replace(/_\d+$/, "") in VARIABLES;
}

/** A process of another user that may not be signalled lives, too. */
function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
