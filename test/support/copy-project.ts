import { cpSync } from "node:fs";
import { join, relative } from "node:path";
import { linkPackages } from "./link-packages.ts";

const PROJECT = join(import.meta.dirname, "../..");
const LEFT_OUT = new Set(["node_modules", ".git", ".data", ".ponder", "coverage", "bench"]);

/**
 * Copies the project to `target`, as another build of it that shares the installed packages.
 *
 * @param tests whether the tests come along, for a copy that runs parts of them
 */
export function copyProject(target: string, { tests = false } = {}): void {
  const leftOut = tests ? LEFT_OUT : new Set([...LEFT_OUT, "test"]);
  cpSync(PROJECT, target, {
    recursive: true,
    filter: (path) => !leftOut.has(relative(PROJECT, path)),
  });
  linkPackages(target);
}
