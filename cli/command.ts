import type { ConfigProblem } from "../config/config-error.ts";
import type { Parsed, Sections } from "../config/section.ts";
import type { CommandOption } from "./command-option.ts";

export type Options = Record<string, CommandOption<unknown>>;
type OptionValues<O extends Options> = {
  [K in keyof O]: O[K] extends CommandOption<infer T> ? T : never;
};

/** What a command is given: everything is parsed, nothing else has to be read. */
export type CommandInput<O extends Options, S extends Sections, P> = {
  options: OptionValues<O>;
  words: P;
  config: Parsed<S>;
  /** Folder of the embedded parts. */
  dataDir: string;
  /** For processes that are started, and for the engine, which reads its own. */
  env: NodeJS.ProcessEnv;
};

/**
 * A command: what `--help` shows and what is refused follow from this, so that neither can be
 * forgotten. `test/integration/commands.test.ts` walks over every one.
 */
export type Command<O extends Options, S extends Sections, P> = {
  /** As in `npm run <name>`; `npm start` is called `start`. */
  name: string;
  /** What it does, in paragraphs. */
  says: string;
  options: O;
  /** Words beside the options; without this there are none. */
  words?: {
    usage: string;
    /** @throws with what was expected */
    read(given: string[]): P;
  };
  /** What it has to know of its environment; its variables are part of the help. */
  config: S;
  /**
   * `owns`: it runs the embedded parts. `finds`: it works beside a running `npm start`, and takes
   * from there what its environment does not say. Both have `--data-dir`.
   */
  dataDir?: "owns" | "finds";
  /** When the exit code is 1. */
  exits1When?: string;
  /** What contradicts each other. */
  check?(options: OptionValues<O>): ConfigProblem[];
  /** What it does with these options without its environment; undefined when it needs that. */
  runAlone?(options: OptionValues<O>): Promise<number> | undefined;
  /** @returns the exit code; undefined when the process goes on by itself */
  run(input: CommandInput<O, S, P>): Promise<number | undefined>;
};

/** Any command, for whoever only starts or lists it. */
export type AnyCommand = Command<Options, Sections, unknown>;

/** Names a command with its types. */
export function defineCommand<const O extends Options, S extends Sections, P = undefined>(
  command: Command<O, S, P>,
): Command<O, S, P> {
  return command;
}
