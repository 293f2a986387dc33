import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * Fails where code and documents cite each other wrongly: a guarantee that no test cites in its name
 * (`[G-4]`), a citation of a guarantee that there is none of, a document that code names and a file
 * that a document names but that is not there. Links between documents are remark's to check.
 */
const GUARANTEES = "docs/explanation/guarantees.md";
const IN_A_NAME = /(["'`])[^"'`\n]*\[G-\d+\](?:\[G-\d+\]|[^"'`\n])*\1/g;

const guaranteed = new Set(
  [...readFileSync(GUARANTEES, "utf8").matchAll(/^## (G-\d+)$/gm)].map(([, id]) => id),
);
const files = execFileSync("git", ["ls-files", "-z"], { encoding: "utf8" })
  .split("\0")
  .filter((path) => /\.(ts|mjs|cjs|md|yml)$/.test(path) && existsSync(path));

const tested = new Set<string>();
const problems = new Set<string>();
if (guaranteed.size === 0) problems.add(`${GUARANTEES} has no heading "## G-1"`);
for (const path of files) {
  const text = readFileSync(path, "utf8");
  if (path.endsWith(".test.ts"))
    for (const [name] of text.matchAll(IN_A_NAME))
      for (const [, id = ""] of name.matchAll(/\[(G-\d+)\]/g)) tested.add(id);
  for (const [id] of text.matchAll(/\bG-\d+\b/g))
    if (!guaranteed.has(id) && !isExample(path))
      problems.add(`${path} cites ${id}, which ${GUARANTEES} does not have`);
  if (path.endsWith(".md")) {
    for (const [, file = ""] of text.matchAll(/`([\w./+-]+\/[\w.+-]+\.(?:ts|mjs|json|sol|yml))`/g))
      if (!existsSync(file) && !existsSync(join(dirname(path), file)))
        problems.add(`${path} names ${file}, which is not there`);
  } else
    for (const [document] of text.matchAll(/(?<![/\w])docs\/[\w./-]+\.(?:md|svg|png)\b/g))
      if (!existsSync(document)) problems.add(`${path} names ${document}, which is not there`);
}
for (const id of guaranteed)
  if (!tested.has(id ?? "")) problems.add(`${id} has no test that cites it in its name`);

for (const problem of problems) console.error(problem);
if (problems.size > 0) process.exitCode = 1;

/** What is cited there shows how to cite. */
function isExample(path: string): boolean {
  return path === "CONTRIBUTING.md" || path === "scripts/check-citations.ts";
}
