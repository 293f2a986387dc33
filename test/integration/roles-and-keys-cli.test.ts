import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RelayWorld } from "../support/relay-world.ts";
import { fillAsOne, freshNames } from "../support/role-bed.ts";

/* The commands for roles and keys, as an operator runs them. */

const ROOT = join(import.meta.dirname, "../..");
const world = new RelayWorld();
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "escrow-stream-roles-"));
  return world.start();
});
afterAll(async () => {
  await world.stop();
  rmSync(folder, { recursive: true });
});

async function run(command: string, args: string[], env: Record<string, string>) {
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  const child = spawn(process.execPath, [join(ROOT, "cli", `${command}.ts`), ...args], {
    env: { PATH, NODE_COMPILE_CACHE, DATA_DIR: folder, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  return { out, err, code };
}

test("npm run db:roles says what it would do, does it when told to, and the roles' URLs work", async () => {
  const { url } = await fillAsOne(world);
  const { indexer, relay, readers } = freshNames();
  const names = ["--indexer", `cli_${indexer}`, "--relay", `cli_${relay}`];
  const args = [...names, "--reader", `cli_${readers[0]}`];
  const env = { ADMIN_DATABASE_URL: url };

  const planned = await run("db-roles", args, env);
  expect([planned.code, planned.err]).toEqual([0, ""]);
  expect(planned.out).toMatch(/^begin;\n/);
  expect(planned.out).toContain(`create role "cli_${indexer}"`);
  const applied = await run("db-roles", [...args, "--apply"], env);
  expect([applied.code, applied.err]).toEqual([0, ""]);
  expect(applied.out).toMatch(/^\d+ statements were run\n/);
  const [, urlOfRelay] = new RegExp(`-- cli_${relay}: (.*)`).exec(applied.out) ?? [];

  const asRelay = { DATABASE_URL: urlOfRelay ?? "" };
  const made = await run("keys", ["create", "desk"], { DATABASE_URL: url });
  expect([made.code, made.err]).toEqual([0, ""]);
  expect(made.out.trim()).toMatch(/^\S{40,}$/);
  expect(await run("keys", ["create", "desk"], { DATABASE_URL: url })).toMatchObject({
    code: 1,
    err: 'there is a key "desk" already; names are not given again\n',
  });
  expect((await run("keys", ["list"], asRelay)).code).not.toBe(0);
  expect((await run("keys", ["revoke", "desk"], { DATABASE_URL: url })).code).toBe(0);
  const listed = await run("keys", ["list"], { DATABASE_URL: url });
  expect(listed.out).toMatch(/^desk {2}read,feed {2}created .* {2}never expires {2}revoked /);
});
