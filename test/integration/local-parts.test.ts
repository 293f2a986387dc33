import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { urlOfRole } from "../../db/roles/url-of-role.ts";
import { withClient } from "../../db/with-client.ts";
import { connectToChain } from "../../local/chain/chain-client.ts";
import { freePort } from "../../local/free-port.ts";
import { startPostgres } from "../../local/postgres/start-postgres.ts";
import { type LocalParts, startLocalParts } from "../../local/start-local-parts.ts";

let dataDir: string;
let parts: LocalParts | null;
const ended: string[] = [];

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "local-parts-"));
  // PostgreSQL runs as another user when we are root.
  chmodSync(dataDir, 0o711);
  parts = null;
  ended.length = 0;
});

afterEach(async () => {
  await parts?.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

async function start(env: Record<string, string> = {}): Promise<LocalParts> {
  parts = await startLocalParts(env, {
    dataDir,
    seed: 1,
    eventsPerSecond: 3,
    onEnded: (name, exit) => ended.push(`${name} ${exit}`),
  });
  return parts;
}

const chainOf = (local: LocalParts) => connectToChain(local.env.RPC_URL_31337 ?? "");
/** The servers that the data folder's owner wrote down. */
const pids = (): number[] =>
  JSON.parse(readFileSync(join(dataDir, "owner.json"), "utf8")).children.map(
    (child: { pid: number }) => child.pid,
  );
const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test("what is not configured is embedded, with a chain that has a history and lives now", async () => {
  const local = await start();
  expect(Object.keys(local.env)).toEqual(
    expect.arrayContaining(["DATABASE_URL", "PUBSUB_EMULATOR_HOST", "DEPLOYMENTS"]),
  );
  const client = new pg.Client({ connectionString: local.env.DATABASE_URL });
  await client.connect();
  await client.end();
  const chain = chainOf(local);
  expect((await chain.getLogs({ fromBlock: 0n })).length).toBeGreaterThan(100);
  const { timestamp } = await chain.getBlock();
  expect(Math.abs(Date.now() / 1_000 - Number(timestamp))).toBeLessThan(10);
});

test("a database of an earlier version is moved to its roles, and its superuser gets a password that nobody knows", async () => {
  const old = await startPostgres({ dataDir: join(dataDir, "postgres"), password: "escrow" });
  const client = new pg.Client({ connectionString: old.url });
  await client.connect();
  await client.query(
    "create schema escrow_0; create table escrow_0._ponder_meta (key text); create schema escrow; create view escrow._ponder_meta as select * from escrow_0._ponder_meta",
  );
  await client.end();
  await old.stop();

  for (const _ of ["the first start", "the second"]) {
    const { env } = await start({ CHAIN_ID: "1", PUBSUB_PROJECT_ID: "real-project" });
    const url = env.DATABASE_URL ?? "";
    expect(new URL(url).username).toBe("escrow_indexer");
    for (const own of [url, env.RELAY_DATABASE_URL ?? "", env.API_DATABASE_URL ?? ""])
      await withClient(own, (each) => each.query("select * from escrow._ponder_meta"));
    await withClient(url, (each) => each.query("insert into escrow_0._ponder_meta values ('x')"));
    const known = urlOfRole(url, "escrow", "escrow");
    await expect(withClient(known, (each) => each.query("select 1"))).rejects.toThrow(
      "password authentication failed",
    );
    const file = join(dataDir, "postgres-superuser");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const superuser = urlOfRole(url, "escrow", readFileSync(file, "utf8").trim());
    await withClient(superuser, (each) => each.query("select 1"));
    await parts?.stop();
  }
});

test("a chain that was stopped goes on where it was, and its clock is right again", async () => {
  const head = await chainOf(await start()).getBlock();
  await parts?.stop();
  const chain = chainOf(await start());
  expect((await chain.getBlock({ blockNumber: head.number })).hash).toBe(head.hash);
  await vi.waitFor(
    async () => {
      const { number, timestamp } = await chain.getBlock();
      expect(number).toBeGreaterThan(head.number);
      expect(Math.abs(Date.now() / 1_000 - Number(timestamp))).toBeLessThan(10);
    },
    { timeout: 20_000 },
  );
});

test("what is configured is not embedded, and stopping leaves nothing behind", async () => {
  const real = { DATABASE_URL: "postgres://real/db", PUBSUB_PROJECT_ID: "real-project" };
  const local = await start(real);
  expect(local.lines).toMatchObject(
    [/PostgreSQL +real/, /project real-project/, /embedded/].map((line) =>
      expect.stringMatching(line),
    ),
  );
  const [anvil = 0] = pids();
  expect(isRunning(anvil)).toBe(true);
  await local.stop();
  expect(isRunning(anvil)).toBe(false);
  expect(existsSync(join(dataDir, "owner.json"))).toBe(false);
  expect(ended).toEqual([]);
});

test("a part that ends by itself is named, with how it ended", async () => {
  await start({ PUBSUB_PROJECT_ID: "real-project" });
  for (const pid of pids()) process.kill(pid, "SIGKILL");
  await vi.waitFor(
    () => expect(ended.toSorted()).toEqual(["PostgreSQL SIGKILL", "chain SIGKILL"]),
    { timeout: 20_000 },
  );
});

test("parts that are ended by force are gone at once, and start again", async () => {
  const local = await start();
  const running = pids();
  expect(running).toHaveLength(2);
  local.kill();
  await vi.waitFor(() => expect(running.filter(isRunning)).toEqual([]), { timeout: 20_000 });
  expect(ended).toEqual([]);
  await local.stop();
  await start();
});

test("a port that a killed owner's server still has is free for the next one", async () => {
  const env = {
    POSTGRES_PORT: String(await freePort()),
    CHAIN_PORT: String(await freePort()),
    PUBSUB_PROJECT_ID: "real-project",
  };
  await start(env);
  const left = pids();
  // Nobody stops it: to the folder it is as if its owner was killed.
  const local = await start(env);
  expect(left.filter(isRunning)).toEqual([]);
  expect(local.env.DATABASE_URL).toContain(`:${env.POSTGRES_PORT}/`);
});

test("a port that another process has is named by its variable", async () => {
  const local = await start({ PUBSUB_PROJECT_ID: "real-project" });
  const { port } = new URL(local.env.RPC_URL_31337 ?? "");
  await local.stop();
  const other = createServer().listen(Number(port), "127.0.0.1");
  await once(other, "listening");
  await expect(start({ PUBSUB_PROJECT_ID: "real-project", CHAIN_PORT: port })).rejects.toThrow(
    `CHAIN_PORT: cannot listen on 127.0.0.1:${port}`,
  );
  other.close();
});

test("when one part does not start, the others are stopped again", async () => {
  await expect(start({ CHAIN_PORT: "1", PUBSUB_PROJECT_ID: "real-project" })).rejects.toThrow();
  expect(existsSync(join(dataDir, "owner.json"))).toBe(false);
  await start({ PUBSUB_PROJECT_ID: "real-project" });
});
