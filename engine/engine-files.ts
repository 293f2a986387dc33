import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const MODULES = join(import.meta.dirname, "../node_modules");
/** Whose code decides what is indexed: the engine's own, as far as it is run, and what of others' is patched. */
const FOLDERS = ["@ponder/utils/dist", "drizzle-orm/node-postgres", "ponder/dist/esm"];

/** Path below `node_modules` → SHA-256 of the file, in the order of paths. */
export type EngineFiles = Record<string, string>;

/** The engine's code as it is installed. */
export function readEngineFiles(modules = MODULES): EngineFiles {
  const paths = FOLDERS.flatMap((folder) =>
    readdirSync(join(modules, folder), { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".js"))
      .map((path) => `${folder}/${path.replaceAll("\\", "/")}`),
  ).sort();
  return Object.fromEntries(
    paths.map((path) => [
      path,
      createHash("sha256")
        .update(readFileSync(join(modules, path)))
        .digest("hex"),
    ]),
  );
}
