import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The folder of what the benchmarks compare with, packages included. */
export const CONTENDERS = join(import.meta.dirname, "../contenders");
/** The command of a Ponder of their own, as it is published: `patches/` changes only this project's. */
export const UNPATCHED_PONDER = join(CONTENDERS, "node_modules/ponder/dist/esm/bin/ponder.js");

/**
 * Installs what the benchmarks compare with, exactly as its own lockfile says; a second time costs
 * nothing. No script of a package runs: none of them needs one.
 *
 * @throws when npm fails
 */
export function installContenders(): void {
  const stamp = join(CONTENDERS, "node_modules/.installed-from");
  const wanted = createHash("sha256")
    .update(readFileSync(join(CONTENDERS, "package-lock.json")))
    .digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  process.stderr.write("installing the contenders (once per change of their lockfile) …\n");
  const { status } = spawnSync(
    "npm",
    ["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
    { cwd: CONTENDERS, stdio: ["ignore", 2, 2], shell: process.platform === "win32" },
  );
  if (status !== 0) throw new Error(`npm install failed in ${CONTENDERS}: see its message above`);
  writeFileSync(stamp, wanted);
}
