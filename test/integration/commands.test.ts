import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import manifest from "../../package.json" with { type: "json" };

/*
 * Every command that package.json names, as a process of its own: none may forget its help, or take
 * what it does not know for nothing.
 */

const ROOT = join(import.meta.dirname, "../..");
/** Called by npm itself. */
const HOOKS = /^(pre|post)|^setup$/;
const COMMANDS = Object.entries(manifest.scripts)
  // The others are other programs, with options of their own.
  .filter(([name, script]) => !HOOKS.test(name) && /^node [^&]*$/.test(script))
  .map(([name, script]): [string, string[]] => [name, script.split(" ").slice(1)]);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "escrow-stream-commands-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function run(args: string[], env: Record<string, string> = {}) {
  const { PATH, HOME, NODE_COMPILE_CACHE } = process.env;
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: { PATH, HOME, NODE_COMPILE_CACHE, DATA_DIR: folder, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  return { out, err, code };
}

test("the commands of package.json are all here", () => {
  expect(COMMANDS.map(([name]) => name)).toEqual(
    expect.arrayContaining([
      "start",
      "indexer",
      "relay",
      "api",
      "audit",
      "chaos",
      "forks",
      "lies",
      "bench",
    ]),
  );
});

describe.each(COMMANDS)("%s", (name, script) => {
  test("shows its usage with --help, whatever else is there", async () => {
    const { out, err, code } = await run([...script, "--help", "--nonsense"]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(/^Usage: /);
    expect(out.length, name).toBeGreaterThan(100);
  });

  test("refuses an unknown option in one line with a code", async () => {
    const { out, err, code } = await run([...script, "--nonsense"]);
    expect({ code, out }).toEqual({ code: 78, out: "" });
    expect(err).toMatch(/^ES-ARGUMENT: --nonsense: [^\n]*\n$/);
  });
});
