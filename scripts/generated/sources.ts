import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

const ROOMS = "apps,cli,config,db,engine,local,packages,proof,source,supervisor";

/** Every source of production code, in a fixed order. */
export function readSources(root: string): { path: string; text: string }[] {
  return globSync(`{${ROOMS}}/**/*.ts`, { cwd: root })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => !/node_modules|\/dist\/|\.test\.ts$|\.d\.ts$/.test(path))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));
}
