import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/**
 * Fails where a word of the glossary's list of unused words stands in a tracked source or document.
 * The list is read from docs/glossary.md, so that a person and the machine read the same one.
 *
 *     node scripts/check-words.ts [path …]      without paths: every tracked file
 */
const GLOSSARY = "docs/glossary.md";
const CHECKED = /\.(ts|mjs|cjs|js|md|sh|sol|yml|yaml|sql)$/;

/** Names that were released before the glossary, and stay. */
const RELEASED = ["escrow.steady()", '".steady()', "settled_position", '"unsettled"', "allSettled"];

type Rule = { words: RegExp; instead: string; below: string };

const rules = readRules(readFileSync(GLOSSARY, "utf8"));
const asked = process.argv.slice(2);
const files = execFileSync("git", ["ls-files", "-z", ...asked], { encoding: "utf8" })
  .split("\0")
  .filter((path) => CHECKED.test(path) && path !== GLOSSARY);

let found = 0;
for (const path of files) {
  for (const { line, word, instead } of findWords(path, readFileSync(path, "utf8"))) {
    found += 1;
    console.error(`${path}:${line}: "${word}" → ${instead}`);
  }
}
if (found > 0) {
  console.error(`${found} words that ${GLOSSARY} does not use`);
  process.exitCode = 1;
}

function* findWords(path: string, source: string) {
  // Identifiers count as the words they are made of; the number of lines stays the same.
  const text = RELEASED.reduce((rest, name) => rest.replaceAll(name, ""), source).replaceAll(
    /([a-z0-9])([A-Z])/g,
    "$1 $2",
  );
  for (const { words, instead, below } of rules) {
    if (!path.startsWith(below)) continue;
    for (const { index, 0: word } of text.matchAll(words)) {
      const line = text.slice(0, index).split("\n").length;
      yield { line, word: word.replaceAll(/\s+/g, " "), instead };
    }
  }
}

function readRules(glossary: string): Rule[] {
  const table = glossary.slice(glossary.indexOf("## Not these words"));
  const rows = [...table.matchAll(/^\| (`.+) \| (.+) \|$/gm)];
  if (rows.length === 0) throw new Error(`${GLOSSARY} lists no words under "Not these words"`);
  return rows.map(([, cell = "", instead = ""]) => {
    const [left = "", below = ""] = cell.split(" in ");
    const words = [...left.matchAll(/`([^`]+)`/g)].map(([, word = ""]) =>
      // A phrase may be broken over two lines of a comment, or be an identifier or a file's name.
      word.replaceAll(" ", "[\\s*/#_-]+"),
    );
    return {
      words: new RegExp(`(?<![a-z])(${words.join("|")})(?![a-z])`, "gi"),
      instead,
      below: below.replaceAll("`", ""),
    };
  });
}
