import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  addServiceEnvironment,
  removeServiceEnvironment,
  writeServiceEnvironment,
} from "./service-environment.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "escrow-stream-environment-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("the environment of a running service", () => {
  test("is found in its data folder, for its user alone", () => {
    writeServiceEnvironment(folder, { DATABASE_URL: "postgres://here/db", RPC_URL: "http://here" });
    const env: Record<string, string | undefined> = { RPC_URL: "http://mine", DATABASE_URL: "" };
    addServiceEnvironment(env, folder);
    expect(env).toEqual({ DATABASE_URL: "postgres://here/db", RPC_URL: "http://mine" });
    expect(statSync(join(folder, "environment.json")).mode & 0o777).toBe(0o600);
  });

  test("adds its embedded chain to the same database, and gives way to another one", () => {
    writeServiceEnvironment(folder, { DATABASE_URL: "postgres://here/db", RPC_URL: "http://here" });
    const same: Record<string, string | undefined> = { DATABASE_URL: "postgres://here/db" };
    addServiceEnvironment(same, folder);
    expect(same.RPC_URL).toBe("http://here");
    const env = { DATABASE_URL: "postgres://mine/db" };
    addServiceEnvironment(env, folder);
    expect(env).toEqual({ DATABASE_URL: "postgres://mine/db" });
  });

  test("is gone with the service", () => {
    writeServiceEnvironment(folder, { DATABASE_URL: "postgres://here/db" });
    removeServiceEnvironment(folder);
    const env = {};
    addServiceEnvironment(env, folder);
    expect(env).toEqual({});
  });

  test("that is no JSON is refused by the file's name", () => {
    writeFileSync(join(folder, "environment.json"), "{");
    expect(() => addServiceEnvironment({}, folder)).toThrow(join(folder, "environment.json"));
  });
});
