// Makes a fresh clone ready: installs exactly what package-lock.json names, Node 24 included,
// and applies patches/ (scripts/apply-patches.mjs). Runs on the machine's own Node (20 or newer)
// before every script; a second run costs milliseconds.
//
//     node scripts/setup.mjs          what the service runs on
//     node scripts/setup.mjs --dev    the tools of tests and checks as well
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stamp = join(root, "node_modules", ".installed-from");
// Tools that somebody installed are never taken away again.
const withTools =
  process.argv.includes("--dev") || existsSync(join(root, "node_modules", "vitest"));
const locked = createHash("sha256")
  .update(readFileSync(join(root, "package-lock.json")))
  .update(`${process.platform}-${process.arch}`)
  .digest("hex");

const wanted = `${locked} ${withTools ? "with tools" : "runtime"}`;

const installed = existsSync(stamp) ? readFileSync(stamp, "utf8") : "";
if (installed !== wanted) {
  const what = withTools ? "dependencies and tools" : "dependencies";
  console.error(`escrow-stream: installing ${what} (once per change of package-lock.json) …`);
  // Cut off in the middle, it has to be done again.
  rmSync(stamp, { force: true });
  const npm = process.env.npm_execpath;
  // Not `npm ci`: it refuses a lockfile made where the registry lacks some other platform's optional
  // binaries. This installs what the lockfile names as well, and leaves the lockfile as it is.
  const args = [
    "install",
    "--no-save",
    withTools ? "--include=dev" : "--omit=dev",
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
  // Headers for building add-ons, half as large as Node itself; nothing here is built.
  const builds = join(root, "node_modules", "node", "node_modules");
  for (const build of existsSync(builds) ? readdirSync(builds) : [])
    if (build.startsWith("node-"))
      rmSync(join(builds, build, "include"), { recursive: true, force: true });
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

// The first start would compile everything that it loads. Without this it is slower, no more.
if (installed !== wanted) {
  console.error("escrow-stream: compiling what starts (once after an installation) …");
  const args = ["--import", "./scripts/compile-cache.mjs", "scripts/warm-up.mjs"];
  const node = join(root, "node_modules", ".bin", "node");
  spawnSync(node, args, { cwd: root, stdio: "ignore", timeout: 60_000 });
}
