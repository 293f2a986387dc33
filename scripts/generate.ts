import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bodyTypes } from "./generated/body-types.ts";
import { eventReference } from "./generated/event-reference.ts";
import { jsonSchemas } from "./generated/json-schema.ts";
import { tableReference } from "./generated/table-reference.ts";

/**
 * Writes what follows from the event catalogue and the list of read models for those who read them:
 * types and JSON Schemas of the messages, and the reference pages of events and tables.
 *
 *   node scripts/generate.ts           writes the generated files
 *   node scripts/generate.ts --check   exits 1 and names each file that is not up to date
 */

const ROOT = join(import.meta.dirname, "..");
const SCHEMAS = "packages/messages/schemas";

const files = new Map<string, string>([
  ["packages/messages/bodies.ts", bodyTypes()],
  ["docs/reference/events.md", eventReference()],
  ["docs/reference/tables.md", tableReference()],
]);
for (const [name, schema] of jsonSchemas())
  files.set(`${SCHEMAS}/${name}`, JSON.stringify(schema, null, 2));

const isCheck = process.argv.includes("--check");
const stale: string[] = [];
for (const [path, text] of files) {
  const content = formatted(path, text);
  const place = join(ROOT, path);
  if (existsSync(place) && readFileSync(place, "utf8") === content) continue;
  stale.push(path);
  if (!isCheck) writeFileSync(place, content);
}
for (const name of readdirSync(join(ROOT, SCHEMAS))) {
  const path = `${SCHEMAS}/${name}`;
  if (files.has(path)) continue;
  stale.push(path);
  if (!isCheck) rmSync(join(ROOT, path));
}

if (!isCheck) for (const path of stale) console.log(`wrote ${path}`);
else if (stale.length > 0) {
  console.error(
    `Not what src/events/event-catalogue.ts and src/projections/read-models.ts say: ${stale.join(", ")}\nRun: node scripts/generate.ts`,
  );
  process.exitCode = 1;
}

/** By the project's own formatter, so that a generated file never fails its check. */
function formatted(path: string, text: string): string {
  if (path.endsWith(".md")) return text;
  return execFileSync(
    join(ROOT, "node_modules/.bin/biome"),
    ["format", `--stdin-file-path=${path}`],
    { cwd: ROOT, input: text, encoding: "utf8", stdio: "pipe" },
  );
}
