// Makes a fresh clone ready: installs exactly what package-lock.json names, Node 24 included,
// and applies patches/ (scripts/apply-patches.mjs). Runs on the machine's own Node (20 or newer)
// before every script; a second run costs milliseconds.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stamp = join(root, "node_modules", ".installed-from");
const wanted = createHash("sha256")
  .update(readFileSync(join(root, "package-lock.json")))
  .update(`${process.platform}-${process.arch}`)
  .digest("hex");

const installed = existsSync(stamp) ? readFileSync(stamp, "utf8") : "";
if (installed !== wanted) {
  console.error("escrow-stream: installing dependencies (once per change of package-lock.json) …");
  const npm = process.env.npm_execpath;
  // Not `npm ci`: it refuses a lockfile made where the registry lacks some other platform's optional
  // binaries. This installs what the lockfile names as well, and leaves the lockfile as it is.
  const args = [
    "install",
    "--no-save",
    "--include=dev",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
  ];
  const result = npm?.endsWith(".js")
    ? spawnSync(process.execPath, [npm, ...args], { cwd: root, stdio: ["ignore", 2, 2] })
    : spawnSync("npm", args, { cwd: root, stdio: ["ignore", 2, 2] });
  if (result.status !== 0) {
    console.error("escrow-stream: `npm install` failed; see its message above.");
    process.exit(1);
  }
  const node = join(root, "node_modules", ".bin", "node");
  const version = spawnSync(node, ["--version"], { encoding: "utf8" }).stdout?.trim();
  if (!version || Number(version.slice(1).split(".")[0]) < 24) {
    console.error(
      "escrow-stream: the project's own Node 24 (npm package `node`) was not set up.\n" +
        "Its install script must be allowed to run: unset npm's `ignore-scripts` and try again.",
    );
    process.exit(1);
  }
  writeFileSync(stamp, wanted);
}

// By itself, because a patch may be newer than the installation, and npm may be told to run no scripts.
const { applyPatches } = await import("./apply-patches.mjs");
try {
  applyPatches(root);
} catch (error) {
  console.error(`escrow-stream: ${error.message}`);
  process.exit(1);
}
