import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A stranger's folder that holds nothing but what npm installed from `dependencies`. */
export function emptyProject(folder: string, dependencies: Record<string, string>): string {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, dependencies }));
  const quiet = ["--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"];
  execFileSync("npm", ["install", "--prefer-offline", ...quiet], {
    cwd: folder,
    stdio: ["ignore", "pipe", "inherit"],
  });
  return folder;
}
