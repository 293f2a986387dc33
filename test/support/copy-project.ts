import { cpSync } from "node:fs";
import { join, relative } from "node:path";
import { linkPackages } from "./link-packages.ts";

const PROJECT = join(import.meta.dirname, "../..");
const LEFT_OUT = new Set(["node_modules", ".git", ".data", ".ponder", "test", "bench"]);

/** Copies the project to `target`, as another build of it that shares the installed packages. */
export function copyProject(target: string): void {
  cpSync(PROJECT, target, {
    recursive: true,
    filter: (path) => !LEFT_OUT.has(relative(PROJECT, path)),
  });
  linkPackages(target);
}
