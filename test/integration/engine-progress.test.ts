import pg from "pg";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { ensureProgressView, ensureReadableProgress } from "../../engine/ensure-progress-view.ts";
import { ensureViews, viewsSql, waitForViews } from "../../engine/ensure-views.ts";
import { CHECKPOINT_TABLE, META_TABLE, PRIVATE_TABLES } from "../../engine/private-tables.ts";
import { releaseEngineLock } from "../../engine/release-engine-lock.ts";
import { recordCaughtUp, recordEngineStart } from "../../engine/track-engine-start.ts";
import { AccountDeployment } from "../support/account-deployment.ts";
import { RelayWorld } from "../support/relay-world.ts";

/* What readers learn of how far the index is, and when. The engine's part is played by hand. */

const LIVE = "escrow_0123456789ab";
const NEXT = "escrow_ba9876543210";

const world = new RelayWorld();
beforeAll(() => world.start());
afterAll(() => world.stop());

let url: string;
let pool: pg.Pool;
let client: pg.Client;
beforeEach(async () => {
  ({ url, pool } = await world.database());
  client = await connect();
});

test("Before there is a live deployment there is no progress, and nothing to wait for", async () => {
  await ensureProgressView(client);
  expect(await progress()).toEqual([]);
  const { rows } = await client.query("select escrow.steady() as is_consistent");
  expect(rows).toEqual([{ is_consistent: true }]);
});

test("A chain's progress is the last block that is whole, final, and safe from a restart", async () => {
  await makeLive({ latest: 12, finalized: 8 });
  const at = (block: number) => new Date(1000 * (1_700_000_000 + block));
  expect(await progress()).toEqual([
    {
      ...{ chain_id: "7", chain_name: "one", build_id: "b", is_ready: true },
      ...{ indexed_block: "12", indexed_at: at(12), final_block: "8", final_at: at(8) },
      ...{ safe_block: "8", safe_at: at(8), catching_up_since: null },
    },
  ]);
  // Of the chain's start block, as long as nothing of it is indexed.
  await client.query(
    `update ${LIVE}.${CHECKPOINT_TABLE} set latest_checkpoint = left(latest_checkpoint, 42) || repeat('0', 33)`,
  );
  expect(await progress()).toMatchObject([{ indexed_block: "11" }]);
  await client.query(`update ${LIVE}.${META_TABLE} set value = value - 'is_ready'`);
  expect(await progress()).toMatchObject([{ is_ready: false }]);
});

test("The engine can drop and make its views again while others read the progress", async () => {
  await makeLive({ latest: 12, finalized: 8 });
  const next = await AccountDeployment.create(pool, NEXT);
  await next.moveTo({ latest: 30, finalized: 20 });
  await client.query("begin");
  for (const table of ["account", ...PRIVATE_TABLES])
    await client.query(
      `drop view if exists escrow."${table}"; create view escrow."${table}" as select * from ${NEXT}."${table}"`,
    );
  await client.query("commit");
  expect(await progress()).toMatchObject([{ indexed_block: "30", final_block: "20" }]);
});

test("A role that may read the view and nothing else reads it", async () => {
  await makeLive({ latest: 12, finalized: 8 });
  await client.query(`
    create role progress_reader;
    grant usage on schema escrow to progress_reader;
    grant select on escrow.chain_progress to progress_reader;
    set role progress_reader`);
  onTestFinished(async () => {
    await client.query("reset role; drop owned by progress_reader; drop role progress_reader");
  });
  expect(await progress()).toMatchObject([{ indexed_block: "12" }]);
  await expect(client.query(`select from escrow.${CHECKPOINT_TABLE}`)).rejects.toThrow(
    "permission denied",
  );
});

test("Readers of a restarted deployment learn that it catches up, until it is where it was with a row that changed", async () => {
  const live = await makeLive({ latest: 12, finalized: 8 });
  const before = await recordEngineStart(url, LIVE);
  expect(await isCatchingUp()).toBe(true);
  await expect(client.query("select escrow.steady()")).rejects.toThrow(
    "the index is catching up since",
  );
  const caughtUp = recordCaughtUp(url, LIVE, before);
  await live.moveTo({ latest: 9, finalized: 8 });
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(await isCatchingUp()).toBe(true);
  await live.moveTo({ latest: 12, finalized: 8 });
  await caughtUp;
  expect(await isCatchingUp()).toBe(false);
  await client.query("select escrow.steady()");
});

test("The start of a deployment that is not live is nothing to readers until it is", async () => {
  await makeLive({ latest: 12, finalized: 8 });
  const before = await recordEngineStart(url, NEXT);
  expect(before).toMatchObject([{ chainId: 7, rowVersion: "" }]);
  expect(await isCatchingUp()).toBe(false);
  const next = await AccountDeployment.create(pool, NEXT);
  await next.moveTo({ latest: 10, finalized: 8 });
  await client.query(viewsSql(NEXT, ["account"]));
  expect(await isCatchingUp()).toBe(true);
  await next.moveTo({ latest: 13, finalized: 8 });
  await recordCaughtUp(url, NEXT, before);
  expect(await isCatchingUp()).toBe(false);
});

test("Views of an older build get the columns that the next one has, until they are its own", async () => {
  await makeLive({ latest: 12, finalized: 8 });
  await AccountDeployment.create(pool, NEXT);
  await client.query(`alter table ${NEXT}.account add observed text`);
  await client.query(`insert into ${LIVE}.account values (7, 'ann', 1)`);
  await ensureViews(url, NEXT, new AbortController().signal);
  const { rows } = await client.query("select name, observed from escrow.account");
  expect(rows).toEqual([{ name: "ann", observed: null }]);
  await ensureViews(url, NEXT, new AbortController().signal);
  await client.query(
    `insert into ${NEXT}.account (chain_id, name, observed) values (7, 'bob', 'x')`,
  );
  await client.query(viewsSql(NEXT, ["account"]));
  const after = await client.query("select name, observed from escrow.account");
  expect(after.rows).toEqual([{ name: "bob", observed: "x" }]);
});

test("The first deployment of a database has nothing to catch up with", async () => {
  const before = await recordEngineStart(url, LIVE);
  expect(before).toEqual([]);
  await recordCaughtUp(url, LIVE, before);
  await AccountDeployment.create(pool, LIVE);
  const stop = new AbortController();
  const areThere = waitForViews(url, stop.signal);
  await ensureViews(url, LIVE, stop.signal);
  expect(await areThere).toBe(true);
  await client.query("select escrow.steady()");
});

test("Views that are there stay with their deployment, and waits end with their signal", async () => {
  const stopped = AbortSignal.abort();
  expect(await waitForViews(url, stopped)).toBe(false);
  await ensureViews(url, "escrow_that_never_comes", stopped);
  await makeLive({ latest: 12, finalized: 8 });
  await AccountDeployment.create(pool, NEXT);
  await ensureViews(url, NEXT, new AbortController().signal);
  expect(await progress()).toMatchObject([{ indexed_block: "12" }]);
});

test("A database of version 0.1 gets the view in place, from several processes at once, and keeps its functions", async () => {
  await client.query(VERSION_0_1);
  await client.query(
    "insert into escrow._engine_start values ($1, false, '2026-01-02T03:04:05Z')",
    [LIVE],
  );
  const live = await AccountDeployment.create(pool, LIVE);
  await live.moveTo({ latest: 12, finalized: 8 });
  await client.query(viewsSql(LIVE, ["account"]));
  await Promise.all([1, 2, 3].map(() => ensureReadableProgress(url)));
  const since = new Date("2026-01-02T03:04:05Z");
  expect(await progress()).toMatchObject([{ indexed_block: "12", catching_up_since: since }]);
  const { rows } = await client.query("select * from escrow.status()");
  expect(rows).toEqual([
    {
      ...{ chain_id: "7", indexed_block: "12", indexed_at: new Date(1_700_000_012_000) },
      ...{ is_catching_up: true, catching_up_since: since },
    },
  ]);
});

test("The lock of an engine that is gone can be released; where there is none, nothing happens", async () => {
  await makeLive({ latest: 12, finalized: 8 });
  await client.query(`update ${LIVE}.${META_TABLE} set value = value || '{"is_locked": 1}'`);
  await releaseEngineLock(url, LIVE);
  await releaseEngineLock(url, "escrow_that_never_was");
  const { rows } = await client.query(
    `select value ->> 'is_locked' as lock from ${LIVE}.${META_TABLE}`,
  );
  expect(rows).toEqual([{ lock: "0" }]);
});

/** As `ensureSqlStatus` of version 0.1 made it. */
const VERSION_0_1 = `
  create schema escrow;
  create table escrow._engine_start (
    deployment text primary key, is_settled boolean not null, started_at timestamptz not null);
  create function escrow.status()
  returns table (chain_id bigint, indexed_block bigint, indexed_at timestamptz,
                 is_catching_up boolean, catching_up_since timestamptz)
  language plpgsql stable security definer set search_path = pg_catalog as $$
  begin return; end $$;
  create function escrow.steady() returns boolean
  language plpgsql stable security definer set search_path = pg_catalog as $$
  begin return true; end $$;`;

async function makeLive(at: { latest: number; finalized: number }): Promise<AccountDeployment> {
  const live = await AccountDeployment.create(pool, LIVE);
  await live.moveTo(at);
  await ensureProgressView(client);
  await client.query(viewsSql(LIVE, ["account"]));
  return live;
}

async function progress(): Promise<object[]> {
  return (await client.query("select * from escrow.chain_progress")).rows;
}

async function isCatchingUp(): Promise<boolean> {
  const { rows } = await client.query("select bool_or(is_catching_up) as is from escrow.status()");
  return rows[0].is;
}

async function connect(): Promise<pg.Client> {
  const one = new pg.Client({ connectionString: url });
  await one.connect();
  onTestFinished(() => one.end());
  return one;
}
