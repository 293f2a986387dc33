import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

const SCRIPT = join(import.meta.dirname, "apply-patches.mjs");
const ENGINE = "node_modules/engine";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "apply-patches-"));
  write(`${ENGINE}/package.json`, JSON.stringify({ version: "1.0.0" }));
  write(`${ENGINE}/a.js`, "one\ntwo\nthree\n");
  write(`${ENGINE}/deep/b.js`, "four\n");
});

afterEach(() => rmSync(root, { recursive: true }));

test("patches are applied in the order of their names, and a second time changes nothing", () => {
  patch("001+two", "a.js", "two", "2");
  patch("002+again", "a.js", "2", "II");
  patch("003+four", "deep/b.js", "four", "4");
  expect(apply()).toEqual({ status: 0, stderr: expect.stringContaining("changed 2 files") });
  expect(read("a.js")).toBe("one\nII\nthree\n");
  expect(read("deep/b.js")).toBe("4\n");
  expect(apply()).toEqual({ status: 0, stderr: "" });
});

test("a changed patch and a removed one are applied to the file of the package", () => {
  patch("001+two", "a.js", "two", "2");
  patch("002+four", "deep/b.js", "four", "4");
  apply();
  patch("001+two", "a.js", "two", "zwei");
  rmSync(join(root, "patches/engine+1.0.0+002+four.patch"));
  expect(apply().status).toBe(0);
  expect(read("a.js")).toBe("one\nzwei\nthree\n");
  expect(read("deep/b.js")).toBe("four\n");
});

test("what was changed by hand in a patched file, or left half written, is put right", () => {
  patch("001+two", "a.js", "two", "2");
  apply();
  write(`${ENGINE}/a.js`, "one\n");
  apply();
  expect(read("a.js")).toBe("one\n2\nthree\n");
});

test("a patch that does not fit is named with its file, and none is applied", () => {
  patch("001+four", "deep/b.js", "four", "4");
  patch("002+two", "a.js", "zwei", "2");
  const { status, stderr } = apply();
  expect(status).toBe(1);
  expect(stderr).toMatch(
    /engine\+1\.0\.0\+002\+two\.patch was not applied.*any other: it does not/,
  );
  expect(stderr).toMatch(/fit node_modules\/engine\/a\.js\.\n.*npm run setup/);
  expect(read("deep/b.js")).toBe("four\n");
  expect(readdirSync(join(root, ENGINE, "deep"))).toEqual(["b.js"]);
});

test("a patch for another version is refused, also when it would fit", () => {
  write(`${ENGINE}/package.json`, JSON.stringify({ version: "1.0.1" }));
  patch("001+two", "a.js", "two", "2");
  expect(apply()).toEqual({ status: 1, stderr: expect.stringMatching(/has version 1\.0\.1/) });
  expect(read("a.js")).toBe("one\ntwo\nthree\n");
});

function apply(): { status: number | null; stderr: string } {
  const { status, stderr } = spawnSync(process.execPath, [SCRIPT, root], { encoding: "utf8" });
  return { status, stderr };
}

function patch(name: string, file: string, before: string, after: string): void {
  const path = `${ENGINE}/${file}`;
  const header = `Why: --- it is so\n\ndiff --git a/${path} b/${path}\n--- a/${path}\n+++ b/${path}`;
  const hunk =
    file === "a.js"
      ? `@@ -1,3 +1,3 @@\n one\n-${before}\n+${after}\n three\n`
      : `@@ -1 +1 @@\n-${before}\n+${after}\n`;
  write(`patches/engine+1.0.0+${name}.patch`, `${header}\n${hunk}`);
}

function read(file: string): string {
  return readFileSync(join(root, ENGINE, file), "utf8");
}

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}
