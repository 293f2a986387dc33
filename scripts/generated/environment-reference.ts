import { OLDER_RELAYER } from "../../config/older-relayer.ts";
import {
  defaultOf,
  VARIABLE_GROUPS,
  VARIABLES,
  type Variable,
  type VariableName,
} from "../../config/variables.ts";

const WIDTH = 100;

type Entry = Variable & { name: VariableName; default: string | null };

/** `.env.example`: every variable with its default. */
export function environmentExample(): string {
  const groups = Object.entries(VARIABLE_GROUPS).map(([group, title]) =>
    [`# --- ${title}. ---`, ...entriesOf(group).map(exampleOf)].join("\n\n"),
  );
  const head = [
    "# Every variable, with its default. An empty one counts as not set. Copy this file to .env: every",
    "# command reads that, and what the environment sets goes before it.",
    "# Made by `npm run generate` from config/variables.ts.",
  ].join("\n");
  return `${[head, ...groups].join("\n\n")}\n`;
}

/** The page of all variables. */
export function environmentReference(): string {
  const tables = Object.entries(VARIABLE_GROUPS).map(([group, title]) =>
    [
      `## ${title}`,
      "",
      "| Variable | Default | |",
      "|---|---|---|",
      ...entriesOf(group).map(
        ({ name, default: otherwise, says, example, isPerChain }) =>
          `| \`${name}\`${isPerChain ? `, \`${name}_<chain id>\`` : ""} | ${otherwise === null ? "" : `\`${otherwise}\``} | ${cell(says)}${example ? ` Example: \`${cell(example)}\`.` : ""} |`,
      ),
    ].join("\n"),
  );
  const older = Object.entries(OLDER_RELAYER).map(
    ([name, old]) =>
      `| \`${name}\` | ${"isNow" in old ? `taken for \`${old.isNow}\`, which goes before it` : `not needed: ${old.notNeeded}`} |`,
  );
  return `${[
    "# Configuration",
    "<!-- Made by `npm run generate` from config/variables.ts. Do not edit. -->",
    "Every process reads its variables once, from the environment and from the file `.env` of the project; what the environment sets goes before the file. An empty variable counts as not set. Every problem is reported at once, without values that may be secret. `--help` of a command shows those that it reads.",
    "Commands beside a running `npm start` (`audit`, `verify`, `rebuild`, `export`, `import`, `state`, `replay`, `audit:topic`, `adopt:topic`) take what is not set from `running.json` in its data folder, which only its user may read. They look in `DATA_DIR`, or in `--data-dir`. The file is not used when it is about another database than `DATABASE_URL`, or when that `npm start` has ended.",
    "A name that looks like one of these and is none of them gets a hint.",
    ...tables,
    "## Names of the older relayer, and of earlier versions",
    ["| Variable | Here |", "|---|---|", ...older].join("\n"),
  ].join("\n\n")}\n`;
}

function entriesOf(group: string): Entry[] {
  return (Object.keys(VARIABLES) as VariableName[])
    .map((name) => ({ ...(VARIABLES[name] as Variable), name, default: defaultOf(name) }))
    .filter((entry) => entry.group === group);
}

function exampleOf({ name, says, example, default: otherwise }: Entry): string {
  const lines: string[] = [];
  for (const word of says.split(" ")) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= WIDTH)
      lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(`# ${word}`);
  }
  return [...lines, example ? `# ${name}=${example}` : `${name}=${otherwise ?? ""}`].join("\n");
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replace(/(?<!`)(<[^>]*>)/g, "`$1`");
}
