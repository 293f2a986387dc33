import { parseArgs } from "node:util";
import type { ConfigProblem } from "../config/config-error.ts";
import type { AnyCommand, Options } from "./command.ts";
import { type CommandOption, optional } from "./command-option.ts";

export type ParsedArguments = {
  isHelp: boolean;
  options: Record<string, unknown>;
  words: unknown;
  dataDir: string | undefined;
  problems: ConfigProblem[];
};

const UNKNOWN_OPTION = "is no option here; --help lists those that are";

/** Where embedded parts keep their data, for every command that has to do with them. */
const DATA_DIR_OPTION = {
  owns: optional(
    "<folder>",
    "where the embedded parts keep their data (default .data, or DATA_DIR)",
  ),
  finds: optional(
    "<folder>",
    "data folder of a running npm start whose database is meant when DATABASE_URL is not set (default .data, or DATA_DIR)",
  ),
};

/** The options of a command, with those that are added to it. */
export function optionsOf({ options, dataDir }: AnyCommand): Options {
  return dataDir === undefined ? options : { ...options, "data-dir": DATA_DIR_OPTION[dataDir] };
}

/** Reads a command line. Everything that is wrong is noted at once. */
export function parseArguments(command: AnyCommand, args: string[]): ParsedArguments {
  const known = optionsOf(command);
  const problems: ConfigProblem[] = [];
  const given = new Map<string, string[]>();
  const rest: string[] = [];
  const { tokens } = parseArgs({
    args,
    strict: false,
    tokens: true,
    options: {
      ...Object.fromEntries(Object.entries(known).map(([name, { type }]) => [name, { type }])),
      help: { type: "boolean", short: "h" },
    },
  });
  for (const token of tokens) {
    if (token.kind === "positional") rest.push(token.value);
    if (token.kind !== "option" || token.name === "help") continue;
    const { name, rawName, value } = token;
    const what = whyNot(known[name], token);
    if (what !== null) problems.push({ where: rawName, what });
    else given.set(name, [...(given.get(name) ?? []), value ?? ""]);
  }
  const options: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(known))
    note(problems, `--${name}`, () => {
      const texts = given.get(name) ?? [];
      options[name] = option.read(option.isMultiple ? texts : texts.slice(-1));
    });
  let words: unknown;
  // Behind an unknown option, nobody knows which words are its value.
  if (!problems.some(({ what }) => what === UNKNOWN_OPTION))
    note(problems, "arguments", () => {
      words = (command.words?.read ?? noWords)(rest);
    });
  if (problems.length === 0) problems.push(...(command.check?.(options) ?? []));
  return {
    isHelp: tokens.some((token) => token.kind === "option" && token.name === "help"),
    options,
    words,
    dataDir: (options["data-dir"] as string | undefined) || undefined,
    problems,
  };
}

type OptionToken = {
  rawName: string;
  value?: string | undefined;
  inlineValue?: boolean | undefined;
};

function whyNot(
  option: CommandOption<unknown> | undefined,
  { rawName, value, inlineValue }: OptionToken,
): string | null {
  if (option === undefined || !rawName.startsWith("--")) return UNKNOWN_OPTION;
  if (option.type === "boolean") return value === undefined ? null : "takes no value";
  if (value === undefined) return `needs a value: ${option.value}`;
  return inlineValue || !value.startsWith("-") || value === "-"
    ? null
    : `needs a value; one that begins with - is given as ${rawName}=${value}`;
}

function noWords(given: string[]): void {
  if (given.length > 0)
    throw new Error(`there is nothing to do with "${given.join(" ")}"; see --help`);
}

function note(problems: ConfigProblem[], where: string, read: () => void): void {
  try {
    read();
  } catch (error) {
    problems.push({ where, what: (error as Error).message });
  }
}
