import { classifyError } from "../config/classify-error.ts";
import { ConfigError, type ConfigProblem } from "../config/config-error.ts";
import { parseSections, type Sections } from "../config/section.ts";
import type { AnyCommand, Command, CommandInput, Options } from "./command.ts";
import { completeEnvironment } from "./complete-environment.ts";
import { type ParsedArguments, parseArguments } from "./parse-arguments.ts";
import { usage } from "./usage.ts";

type Streams = { out(text: string): void; err(text: string): void };

const CONSOLE: Streams = { out: console.log, err: console.error };

/**
 * Runs a command: parses its command line and its environment, once; refuses what is not usable in
 * a line for each problem; and ends in a line with a code when it fails.
 *
 * @returns the exit code; undefined when the process goes on by itself
 */
export async function runCommand<O extends Options, S extends Sections, P>(
  command: Command<O, S, P>,
  args: string[],
  env: NodeJS.ProcessEnv,
  { out, err }: Streams = CONSOLE,
): Promise<number | undefined> {
  try {
    const parsed = parseArguments(command as AnyCommand, args);
    if (parsed.isHelp) {
      out(usage(command as AnyCommand));
      return 0;
    }
    if (parsed.problems.length > 0) throw new ConfigError(parsed.problems);
    const alone = command.runAlone?.(parsed.options as never);
    if (alone !== undefined) return await alone;
    // Whoever started this process has said it already.
    const say = process.channel === undefined ? err : () => undefined;
    return await command.run(readInput(command, parsed, env, say));
  } catch (error) {
    const { message, exitCode } = classifyError(error);
    err(message);
    return exitCode;
  }
}

/** The same as the whole work of a process. */
export async function runProcess<O extends Options, S extends Sections, P>(
  command: Command<O, S, P>,
): Promise<void> {
  const code = await runCommand(command, process.argv.slice(2), process.env);
  if (code !== undefined) process.exit(code);
}

function readInput<O extends Options, S extends Sections, P>(
  command: Command<O, S, P>,
  { options, words, dataDir: wanted }: ParsedArguments,
  env: NodeJS.ProcessEnv,
  say: (text: string) => void,
): CommandInput<O, S, P> {
  const findsStack = command.dataDir === "finds";
  const readsEnvironment = findsStack || Object.keys(command.config).length > 0;
  const dataDir = readsEnvironment
    ? completeEnvironment(env, { dataDir: wanted, findsStack, say })
    : "";
  try {
    const config = parseSections(env, command.config);
    return { options, words, config, dataDir, env } as CommandInput<O, S, P>;
  } catch (error) {
    if (!(error instanceof ConfigError) || !findsStack) throw error;
    throw new ConfigError(error.problems.map((problem) => withFolder(problem, dataDir)));
  }
}

function withFolder(problem: ConfigProblem, dataDir: string): ConfigProblem {
  return problem.where === "DATABASE_URL" && problem.what.startsWith("is not set")
    ? {
        ...problem,
        what: `is not set, and no npm start runs on the data folder ${dataDir}: set it, or name the folder with --data-dir`,
      }
    : problem;
}
