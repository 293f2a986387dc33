import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readEngineFiles } from "./engine-files.ts";

/*
 * `node engine/record-engine.ts` writes down the engine's files as they are installed, after a patch
 * was added or changed (patches/README.md). With `--check` it only compares; exit code 1: they differ.
 */

const RECORD = join(import.meta.dirname, "engine-files.json");

const record = `${JSON.stringify(readEngineFiles(), null, 2)}\n`;
if (!process.argv.includes("--check")) writeFileSync(RECORD, record);
else if (readFileSync(RECORD, "utf8") !== record) {
  console.error(
    "engine/engine-files.json is not what is installed: run `npm run setup`; after a change in patches/, `node engine/record-engine.ts` as well.",
  );
  process.exit(1);
}
