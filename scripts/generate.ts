import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { printSchema } from "graphql";
import { createSchema } from "../apps/api/graphql/schema.ts";
import { defineCommand } from "../cli/command.ts";
import { flag } from "../cli/command-option.ts";
import { runProcess } from "../cli/run-command.ts";
import { bodyTypes } from "./generated/body-types.ts";
import { environmentExample, environmentReference } from "./generated/environment-reference.ts";
import { errorReference } from "./generated/error-reference.ts";
import { eventReference } from "./generated/event-reference.ts";
import { jsonSchemas } from "./generated/json-schema.ts";
import { logEventReference } from "./generated/log-event-reference.ts";
import { tableReference } from "./generated/table-reference.ts";
import { viewComments } from "./generated/view-comments.ts";

const ROOT = join(import.meta.dirname, "..");
const SCHEMAS = "packages/messages/schemas";

/** Writes what is made from a catalogue: the rest of the project cannot say it otherwise. */
const generate = defineCommand({
  name: "generate",
  says: `Writes what follows from the catalogues of events, read models, variables, errors and log events: types and JSON Schemas of the messages, .env.example, and the reference pages.`,
  options: { check: flag("writes nothing, and names each file that is not up to date") },
  config: {},
  exits1When: "a file is not up to date (--check)",
  run: async ({ options }) => writeFiles(options.check),
});

function writeFiles(isCheck: boolean): number {
  const files = new Map<string, string>([
    ["packages/messages/bodies.ts", bodyTypes()],
    ["docs/reference/events.md", eventReference()],
    ["docs/reference/tables.md", tableReference()],
    ["engine/view-comments.json", viewComments()],
    [".env.example", environmentExample()],
    ["docs/reference/configuration.md", environmentReference()],
    ["docs/reference/errors.md", errorReference(ROOT)],
    ["docs/reference/log-events.md", logEventReference(ROOT)],
    ["apps/api/schema.graphql", printSchema(createSchema())],
  ]);
  for (const [name, schema] of jsonSchemas())
    files.set(`${SCHEMAS}/${name}`, JSON.stringify(schema, null, 2));

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
      `Not what their catalogues say: ${stale.join(", ")}
Run: npm run generate`,
    );
    return 1;
  }
  return 0;
}

/** By the project's own formatter, so that a generated file never fails its check. */
function formatted(path: string, text: string): string {
  if (!/\.(ts|json|graphql)$/.test(path)) return text;
  return execFileSync(
    join(ROOT, "node_modules/.bin/biome"),
    ["format", `--stdin-file-path=${path}`],
    { cwd: ROOT, input: text, encoding: "utf8", stdio: "pipe" },
  );
}

if (import.meta.main) await runProcess(generate);
