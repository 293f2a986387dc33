import { globSync, readFileSync, rmSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Prints how much of each room the tests run, in statements, and fails where that is less than it
 * has to be. What ran in the tests' own processes comes from vitest; what ran in processes that
 * they started (indexer, relay, api, commands) from V8's own files, which Node writes at exit. Node
 * blanks types out and moves nothing, so V8's offsets are those of the source.
 *
 *     npm run coverage
 *
 * After `npm test` without COVERAGE=true there is nothing to print.
 */
const LEAST_PERCENT = 80;

type Position = { line: number; column: number };
type FileCoverage = {
  statementMap: Record<string, { start: Position }>;
  s: Record<string, number>;
};
type Range = { startOffset: number; endOffset: number; count: number };
type Script = { url: string; functions: { ranges: Range[] }[] };
/** `hit` has a statement's number in vitest's map. */
type Statements = { offsets: Map<string, number>; hit: Set<string> };

if (process.env.COVERAGE !== "true") process.exit();

const files = readStatements();
for (const path of globSync("coverage/processes/*.json")) addProcess(path);
rmSync("coverage/processes", { recursive: true, force: true }); // a gigabyte
const rooms = Map.groupBy(files.entries(), ([path]) => roomOf(path));

let isEnough = true;
console.log(`${"room".padEnd(26)}  files  statements  covered`);
for (const [room, members] of [...rooms].sort(([a], [b]) => a.localeCompare(b))) {
  const all = sum(members, ({ offsets }) => offsets.size);
  const percent = (100 * sum(members, ({ hit }) => hit.size)) / all;
  isEnough &&= percent >= LEAST_PERCENT;
  const verdict = percent < LEAST_PERCENT ? `  below ${LEAST_PERCENT} %` : "";
  console.log(
    `${room.padEnd(26)}  ${String(members.length).padStart(5)}  ${String(all).padStart(10)}  ${percent.toFixed(1).padStart(5)} %${verdict}`,
  );
}
if (!isEnough) process.exitCode = 1;

function readStatements(): Map<string, Statements> {
  const found = new Map<string, Statements>();
  for (const report of globSync("coverage/*/coverage-final.json")) {
    const covered = JSON.parse(readFileSync(report, "utf8")) as Record<string, FileCoverage>;
    for (const [path, { statementMap, s }] of Object.entries(covered)) {
      const ids = Object.keys(statementMap);
      if (ids.length === 0) continue; // nothing but types
      const statements = found.get(path) ?? statementsOf(path, statementMap);
      found.set(path, statements);
      for (const id of ids) if ((s[id] ?? 0) > 0) statements.hit.add(id);
    }
  }
  return found;
}

function statementsOf(path: string, map: FileCoverage["statementMap"]): Statements {
  const lines = lineOffsets(readFileSync(path, "utf8"));
  const offsets = Object.entries(map).map(([id, { start }]): [string, number] => [
    id,
    (lines[start.line - 1] ?? 0) + start.column,
  ]);
  return { offsets: new Map(offsets), hit: new Set() };
}

/** Adds what one process ran. One that was killed while it wrote left half a file, or none. */
function addProcess(path: string): void {
  let result: Script[];
  try {
    ({ result } = JSON.parse(readFileSync(path, "utf8")) as { result: Script[] });
  } catch (error) {
    if (error instanceof SyntaxError) return;
    throw error;
  }
  for (const { url, functions } of result) {
    if (!url.startsWith("file://")) continue;
    const statements = files.get(fileURLToPath(url));
    if (statements === undefined) continue;
    const ranges = functions.flatMap((each) => each.ranges);
    for (const [id, offset] of statements.offsets)
      if (!statements.hit.has(id) && isRun(offset, ranges)) statements.hit.add(id);
  }
}

/** The innermost range decides. */
function isRun(offset: number, ranges: readonly Range[]): boolean {
  let innermost: Range | undefined;
  for (const range of ranges)
    if (range.startOffset <= offset && offset < range.endOffset)
      if (innermost === undefined || lengthOf(range) <= lengthOf(innermost)) innermost = range;
  return (innermost?.count ?? 0) > 0;
}

function lengthOf({ startOffset, endOffset }: Range): number {
  return endOffset - startOffset;
}

function lineOffsets(source: string): number[] {
  const offsets = [0];
  for (const { index } of source.matchAll(/\n/g)) offsets.push(index + 1);
  return offsets;
}

/** The top folder; each package is a room of its own. */
function roomOf(path: string): string {
  const [top = "", next = ""] = relative(process.cwd(), path).split("/");
  return top === "packages" ? `${top}/${next}` : top;
}

function sum(members: [string, Statements][], of: (statements: Statements) => number): number {
  return members.reduce((total, [, statements]) => total + of(statements), 0);
}
