// Applies patches/*.patch to node_modules, in the order of their names: after every `npm install` and
// `npm ci` (postinstall), and before every script (scripts/setup.mjs). Runs on the machine's own Node.
//
// All patches are applied in memory first, and then every file is replaced as a whole: whoever loads
// a package meanwhile, or after a kill, reads a file of before or after, and the next run does the
// rest. The file of the package stays beside the patched one, as <file>.unpatched; it is what the
// patches are applied to, so that a changed or removed patch needs no new installation.
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { applyPatch, parsePatch } from "diff";

const UNPATCHED = ".unpatched";

/**
 * @param {string} root the folder of patches/ and node_modules/
 * @returns {number} how many files were changed
 * @throws when a patch does not fit; then nothing was changed
 */
export function applyPatches(root) {
  const patches = readPatches(join(root, "patches"));
  const files = new Map();
  for (const { name, changes } of patches)
    for (const { file, change } of changes) {
      const before = files.get(file) ?? readUnpatched(join(root, file));
      if (before === undefined) throw refusal(name, `${file} does not exist`);
      const after = applyPatch(before, change);
      if (after === false) throw refusal(name, `it does not fit ${file}`);
      files.set(file, after);
    }
  checkVersions(root, patches);
  const changed = [...files].filter(([file, text]) => replace(join(root, file), text));
  return changed.length + restore(root, patches, files);
}

/** `<package>+<version>+<number>+<what>.patch`; the `/` of a scope is a `+` as well. */
function readPatches(folder) {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".patch"))
    .sort()
    .map((name) => {
      const [, packageName, version] = /^((?:@[^+]+\+)?[^+]+)\+([^+]+)\+/.exec(name) ?? [];
      if (packageName === undefined)
        throw refusal(name, "expected <package>+<version>+<number>+<what>.patch for a name");
      const changes = parsePatch(readFileSync(join(folder, name), "utf8")).map((change) => {
        const [before, after] = [change.oldFileName, change.newFileName].map((path) =>
          path?.replace(/^[ab]\//, ""),
        );
        if (before === undefined || before !== after || !before.startsWith("node_modules/"))
          throw refusal(name, `it has to change files in node_modules, not ${before} to ${after}`);
        return { file: before, change };
      });
      if (changes.length === 0) throw refusal(name, "it changes nothing");
      return { name, package: `node_modules/${packageName.replace("+", "/")}`, version, changes };
    });
}

function checkVersions(root, patches) {
  for (const { name, package: folder, version } of patches) {
    const installed = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")).version;
    if (installed !== version) throw refusal(name, `${folder} has version ${installed}`);
  }
}

function readUnpatched(path) {
  const original = existsSync(path + UNPATCHED) ? path + UNPATCHED : path;
  return existsSync(original) ? readFileSync(original, "utf8") : undefined;
}

/** @returns {boolean} whether it was another text */
function replace(path, text) {
  const now = readFileSync(path, "utf8");
  if (now === text) return false;
  if (!existsSync(path + UNPATCHED)) writeWhole(path + UNPATCHED, now);
  writeWhole(path, text);
  return true;
}

/** Undoes what no patch asks for any more. */
function restore(root, patches, files) {
  let count = 0;
  for (const folder of new Set(patches.map((patch) => join(root, patch.package))))
    for (const entry of readdirSync(folder, { recursive: true })) {
      if (!entry.endsWith(UNPATCHED)) continue;
      const original = join(folder, entry);
      const path = original.slice(0, -UNPATCHED.length);
      if (files.has(relative(root, path))) continue;
      renameSync(original, path);
      count++;
    }
  return count;
}

function writeWhole(path, text) {
  const draft = `${path}.${process.pid}`;
  try {
    writeFileSync(draft, text);
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

function refusal(name, why) {
  return new Error(
    `patches/${name} was not applied, and neither was any other: ${why}.\n` +
      "If the package was changed by hand, delete node_modules and run `npm run setup`. If its version was raised on purpose, patches/README.md says how to make a patch again or to drop it.",
  );
}

const self = fileURLToPath(import.meta.url);
if (process.argv[1] === self)
  try {
    const count = applyPatches(process.argv[2] ?? dirname(dirname(self)));
    if (count > 0) console.error(`escrow-stream: patches/ changed ${count} files in node_modules`);
  } catch (error) {
    console.error(`escrow-stream: ${error.message}`);
    process.exit(1);
  }
