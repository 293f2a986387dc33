// Run by `npm pack` and `npm publish` in a package's folder. In the clone a package's `exports` name its
// TypeScript, so that every process finds it without a flag and nothing can run a stale build; a packed
// one names the JavaScript that was built for it, as its `publishConfig` says.
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";

const MANIFEST = "package.json";
const KEPT = "package.json.clone";
const LICENSE = "LICENSE";

/** Back to the clone's form; also after a pack that was interrupted. */
function restore() {
  if (existsSync(KEPT)) renameSync(KEPT, MANIFEST);
  rmSync(LICENSE, { force: true });
}

function put() {
  restore();
  rmSync("dist", { recursive: true, force: true });
  const { status } = spawnSync("npm", ["run", "--silent", "build"], { stdio: ["ignore", 2, 2] });
  if (status !== 0) process.exit(1);
  const {
    publishConfig,
    scripts: _scripts,
    ...manifest
  } = JSON.parse(readFileSync(MANIFEST, "utf8"));
  const { access, ...published } = publishConfig;
  copyFileSync(MANIFEST, KEPT);
  copyFileSync("../../LICENSE", LICENSE);
  const form = { ...manifest, ...published, publishConfig: { access } };
  writeFileSync(MANIFEST, `${JSON.stringify(form, null, 2)}\n`);
}

if (process.argv[2] === "put") put();
else restore();
