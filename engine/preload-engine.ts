import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { checkEngine } from "./check-engine.ts";

/*
 * Loads the engine's code for a process that becomes the indexer soon (`supervisor/await-start.ts`).
 * Nothing is started, and nothing of the environment is read.
 */

checkEngine();
const ENGINE = join(import.meta.dirname, "../node_modules/ponder/dist/esm/bin/commands/start.js");
await import(pathToFileURL(ENGINE).href);
