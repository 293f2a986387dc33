import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const FOLDER = join(import.meta.dirname, "../contenders");

/**
 * Installs what the benchmarks compare with, exactly as its own lockfile says; a second time costs
 * nothing. No script of a package runs: none of them needs one.
 *
 * @throws when npm fails
 */
export function installContenders(): void {
  const stamp = join(FOLDER, "node_modules/.installed-from");
  const wanted = createHash("sha256")
    .update(readFileSync(join(FOLDER, "package-lock.json")))
    .digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  process.stderr.write("installing the contenders (once per change of their lockfile) …\n");
  const { status } = spawnSync(
    "npm",
    ["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
    { cwd: FOLDER, stdio: ["ignore", 2, 2], shell: process.platform === "win32" },
  );
  if (status !== 0) throw new Error(`npm install failed in ${FOLDER}: see its message above`);
  writeFileSync(stamp, wanted);
}
