import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { dataDirSection } from "../config/local-config.ts";
import { misspelledVariables } from "../config/misspelled-variables.ts";
import { fromOlderRelayer } from "../config/older-relayer.ts";
import { readRunningStack } from "../config/running-stack.ts";
import type { Env } from "../config/section.ts";

const ENV_FILE = join(import.meta.dirname, "../.env");

/**
 * Completes a process's environment, once, before anything of it is parsed. In this order, each
 * giving way to what is there: the environment itself, `.env`, the older relayer's names, a running
 * `npm start`. The engine, which reads the environment by itself, then sees the same.
 *
 * @param say called with variables that are mapped, not needed, or misspelled
 * @param findsStack whether a running `npm start` is looked for
 * @returns the data folder
 * @throws ConfigError when the file of a running `npm start` cannot be read
 */
export function completeEnvironment(
  env: Env,
  {
    dataDir,
    findsStack,
    say,
  }: {
    dataDir: string | undefined;
    findsStack: boolean;
    say(text: string): void;
  },
  envFile: string = ENV_FILE,
): string {
  if (existsSync(envFile))
    // What the environment sets to nothing is not set, whatever the file says.
    for (const [name, value] of Object.entries(parseEnv(readFileSync(envFile, "utf8"))))
      env[name] ??= value;
  const { added, notes } = fromOlderRelayer(env);
  add(env, added);
  for (const line of [...notes, ...misspelledVariables(env)]) say(line);
  const folder = dataDir ?? dataDirSection.parse(env);
  if (findsStack) add(env, readRunningStack(folder, env));
  // With an emulator the client library would still look for Google's metadata server for seconds.
  if (env.PUBSUB_EMULATOR_HOST) env.METADATA_SERVER_DETECTION ??= "none";
  return folder;
}

function add(env: Env, more: Record<string, string>): void {
  for (const [name, value] of Object.entries(more)) env[name] ||= value;
}
