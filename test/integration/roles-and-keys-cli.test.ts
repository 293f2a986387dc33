import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { withClient } from "../../db/with-client.ts";
import { RelayWorld } from "../support/relay-world.ts";
import { fillAsOne, freshNames } from "../support/role-bed.ts";
import { ServiceProcess } from "../support/service-process.ts";

/* The commands for roles and keys, as an operator runs them. */

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

async function run(
  command: "db-roles" | "keys",
  args: string[],
  env: Record<string, string>,
): Promise<{ lines: string[]; code: number | null }> {
  const process = new ServiceProcess(command, { args, env: { DATA_DIR: folder, ...env } });
  const { code } = await process.exited;
  return { lines: process.lines, code };
}

test("npm run db:roles says what it would do, does it when told to, and the roles' URLs work", async () => {
  const { url } = await fillAsOne(world);
  const { indexer, relay, readers } = freshNames();
  const names = ["--indexer", `cli_${indexer}`, "--relay", `cli_${relay}`];
  const args = [...names, "--reader", `cli_${readers[0]}`];
  const env = { ADMIN_DATABASE_URL: url };

  const planned = await run("db-roles", args, env);
  expect([planned.code, planned.lines[0]]).toEqual([0, "begin;"]);
  expect(planned.lines).toContain("commit;");
  expect(planned.lines.join("\n")).toContain(`create role "cli_${indexer}"`);
  const applied = await run("db-roles", [...args, "--apply"], env);
  expect(applied.code).toBe(0);
  expect(applied.lines[0]).toMatch(/^\d+ statements were run$/);
  const prefix = `-- cli_${relay}: `;
  const urlOfRelay = applied.lines.find((each) => each.startsWith(prefix))?.slice(prefix.length);
  const asked = await withClient(urlOfRelay ?? "", (client) => client.query("select current_user"));
  expect(asked.rows).toEqual([{ current_user: `cli_${relay}` }]);

  const asOwner = { DATABASE_URL: url };
  const made = await run("keys", ["create", "desk"], asOwner);
  expect([made.code, made.lines]).toEqual([0, [expect.stringMatching(/^\S{40,}$/)]]);
  expect(await run("keys", ["create", "desk"], asOwner)).toEqual({
    code: 1,
    lines: ['there is a key "desk" already; names are not given again'],
  });
  expect((await run("keys", ["revoke", "desk"], asOwner)).code).toBe(0);
  const listed = await run("keys", ["list"], asOwner);
  expect(listed.lines).toEqual([
    expect.stringMatching(/^desk {2}read,feed {2}created .* {2}never expires {2}revoked /),
  ]);
});
