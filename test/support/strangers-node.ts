import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/**
 * The Node that the packages are tried on: the oldest that they promise, 20, where the machine has one
 * on its PATH; all other tests run on the project's own. Says so when it has none.
 */
export function strangersNode(): { version: number; path: string } {
  const node20 = (process.env.PATH ?? "")
    .split(delimiter)
    .map((folder) => join(folder, "node"))
    .filter((path) => existsSync(path))
    .find((path) => execFileSync(path, ["--version"], { encoding: "utf8" }).startsWith("v20."));
  if (node20 === undefined) {
    console.log("No Node 20 on the PATH: the packages are tried on the project's Node alone.");
    return { version: Number(process.versions.node.split(".")[0]), path: process.execPath };
  }
  return { version: 20, path: node20 };
}
