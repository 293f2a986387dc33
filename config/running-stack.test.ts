import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readRunningStack, writeRunningStack } from "./running-stack.ts";

const DATABASE_URL = "postgres://here/db";

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "escrow-stream-running-"));
  file = join(folder, "running.json");
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("the file of a running stack", () => {
  test("adds what is not set, and holds nothing but our variables", () => {
    writeRunningStack(folder, {
      DATABASE_URL,
      RPC_URL_5: "http://here",
      PATH: "/bin",
      API_PORT: "",
    });
    expect(readRunningStack(folder, { RPC_URL_5: "http://mine", DATABASE_URL: "" })).toEqual({
      DATABASE_URL,
    });
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({
      pid: process.pid,
      env: { DATABASE_URL, RPC_URL_5: "http://here" },
    });
  });

  test("is its user's alone, also where an older one was open to others", () => {
    writeFileSync(file, "{}", { mode: 0o644 });
    writeRunningStack(folder, { DATABASE_URL });
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test("gives way to another database, and adds to the same one", () => {
    writeRunningStack(folder, { DATABASE_URL, RPC_URL: "http://here" });
    expect(readRunningStack(folder, { DATABASE_URL: "postgres://mine/db" })).toEqual({});
    expect(readRunningStack(folder, { DATABASE_URL })).toEqual({ RPC_URL: "http://here" });
  });

  test("is gone with the service", () => {
    writeRunningStack(folder, { DATABASE_URL })();
    expect(readRunningStack(folder, {})).toEqual({});
  });

  test("is not believed when its service was killed", async () => {
    const gone = spawn(process.execPath, ["-e", ""]);
    await once(gone, "exit");
    writeFileSync(file, JSON.stringify({ pid: gone.pid, env: { DATABASE_URL } }));
    expect(readRunningStack(folder, {})).toEqual({});
  });

  test("that is no JSON is refused by its name", () => {
    writeFileSync(file, "{");
    expect(() => readRunningStack(folder, {})).toThrow(file);
  });
});
