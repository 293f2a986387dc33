import { defaultOf, VARIABLES, type Variable, type VariableName } from "../config/variables.ts";
import type { AnyCommand } from "./command.ts";
import { optionsOf } from "./parse-arguments.ts";

const WIDTH = 100;
const INDENT = "  ";
/** A longer name has its text on the next line. */
const LONGEST_NAME = 30;

/** What `--help` shows of a command: made from its options and the catalogue of variables. */
export function usage(command: AnyCommand): string {
  const { name, says, words, config, exits1When } = command;
  const start = name === "start" ? "npm start" : `npm run ${name}`;
  const options = Object.entries(optionsOf(command)).map(
    ([option, { value, default: otherwise, isMultiple, says: text }]): [string, string] => [
      `--${option}${value === "" ? "" : ` ${value}`}`,
      [
        text,
        otherwise === undefined ? "" : ` (default ${otherwise})`,
        isMultiple ? " (any number of times)" : "",
      ].join(""),
    ],
  );
  const used = new Set(Object.values(config).flatMap((section) => section.variables));
  if (command.dataDir !== undefined) used.add("DATA_DIR");
  const variables = (Object.keys(VARIABLES) as VariableName[])
    .filter((variable) => used.has(variable))
    .map(variableLine);
  const one = exits1When === undefined ? "" : `1 ${exits1When}; `;
  return [
    `Usage: ${start} -- [options]${words === undefined ? "" : ` ${words.usage}`}`,
    "",
    ...says.split("\n\n").flatMap((paragraph) => [...wrap(paragraph, ""), ""]),
    ...table([...options, ["--help", "this text"]]),
    ...(variables.length === 0
      ? []
      : ["", "Variables, of the environment or of .env:", "", ...table(variables)]),
    "",
    ...wrap(
      `Exit code: 0 done; ${one}75 may pass by itself, try again later; 78 not usable as configured. docs/reference/errors.md explains each code.`,
      "",
    ),
  ].join("\n");
}

function variableLine(name: VariableName): [string, string] {
  const { says, isPerChain }: Variable = VARIABLES[name];
  const otherwise = defaultOf(name);
  return [
    `${name}${isPerChain ? "[_<chain id>]" : ""}`,
    `${says}${otherwise === null ? "" : ` Default ${otherwise}.`}`,
  ];
}

function table(rows: [string, string][]): string[] {
  const column = Math.min(LONGEST_NAME, Math.max(...rows.map(([name]) => name.length))) + 2;
  return rows.flatMap(([name, text]) => {
    const [first = "", ...others] = wrap(text, INDENT + " ".repeat(column));
    const start = `${INDENT}${name.padEnd(column)}`;
    return name.length + 2 > column
      ? [`${INDENT}${name}`, first, ...others]
      : [start + first.trimStart(), ...others];
  });
}

/** Lines of at most `WIDTH` characters, each with the indent before it. */
function wrap(text: string, indent: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= WIDTH)
      lines[lines.length - 1] = line === indent ? line + word : `${line} ${word}`;
    else lines.push(indent + word);
  }
  return lines;
}
