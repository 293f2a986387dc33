import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

/** Writes down how it was called, and "installs" Node and, unless they are omitted, the tools. */
const NPM = `
  import { appendFileSync, existsSync, mkdirSync, symlinkSync } from "node:fs";
  appendFileSync("calls", process.argv.slice(2).join(" ") + "\\n");
  if (existsSync("fails")) process.exit(1);
  mkdirSync("node_modules/.bin", { recursive: true });
  if (!existsSync("node_modules/.bin/node"))
    symlinkSync(${JSON.stringify(process.execPath)}, "node_modules/.bin/node");
  if (process.argv.includes("--include=dev")) mkdirSync("node_modules/vitest", { recursive: true });`;

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "setup-"));
  for (const folder of ["scripts", "patches", "node_modules"]) mkdirSync(join(root, folder));
  for (const script of ["setup.mjs", "apply-patches.mjs"]) {
    const source = join(import.meta.dirname, script);
    if (existsSync(source)) copyFileSync(source, join(root, "scripts", script));
  }
  // What patches are applied with.
  symlinkSync(join(import.meta.dirname, "../node_modules/diff"), join(root, "node_modules/diff"));
  writeFileSync(join(root, "package-lock.json"), "{}");
  writeFileSync(join(root, "npm.js"), NPM);
  writeFileSync(join(root, "package.json"), '{ "type": "module" }');
});

afterEach(() => rmSync(root, { recursive: true }));

test("what the service runs on is installed once, and again when the lockfile changes", () => {
  setUp();
  setUp();
  expect(installations()).toEqual(["--omit=dev"]);
  writeFileSync(join(root, "package-lock.json"), '{ "version": 2 }');
  setUp();
  expect(installations()).toEqual(["--omit=dev", "--omit=dev"]);
});

test("what takes its time is named, and only then", () => {
  expect(setUp().stderr).toMatch(/installing dependencies .*\n(.*\n)*.*compiling what starts/);
  expect(setUp().stderr).toBe("");
});

test("the tools are added for whoever tests, and stay when the service is started after that", () => {
  setUp();
  setUp("--dev");
  setUp();
  writeFileSync(join(root, "package-lock.json"), '{ "version": 2 }');
  setUp();
  expect(installations()).toEqual(["--omit=dev", "--include=dev", "--include=dev"]);
});

test("tools that were installed by hand are not taken away", () => {
  mkdirSync(join(root, "node_modules/vitest"));
  setUp();
  expect(installations()).toEqual(["--include=dev"]);
});

test("an installation that failed is told, and done again", () => {
  setUp();
  writeFileSync(join(root, "fails"), "");
  expect(setUp("--dev")).toEqual({
    status: 1,
    stderr: expect.stringContaining("`npm install` failed"),
  });
  rmSync(join(root, "fails"));
  expect(setUp().status).toBe(0);
  expect(installations()).toEqual(["--omit=dev", "--include=dev", "--omit=dev"]);
});

function setUp(...args: string[]): { status: number | null; stderr: string } {
  const { status, stderr } = spawnSync(
    process.execPath,
    [join(root, "scripts/setup.mjs"), ...args],
    {
      encoding: "utf8",
      cwd: root,
      env: { ...process.env, npm_execpath: join(root, "npm.js") },
    },
  );
  return { status, stderr };
}

/** Which packages each call of npm was to install. */
function installations(): string[] {
  const calls = readFileSync(join(root, "calls"), "utf8").trim().split("\n");
  return calls.map((call) => call.split(" ").find((arg) => arg.endsWith("=dev")) ?? call);
}
