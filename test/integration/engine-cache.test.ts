import pg from "pg";
import type { Address } from "viem";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { EXIT_RETRY } from "../../config/error-catalogue.ts";
import { parseChains } from "../../config/parse-chains.ts";
import { ensureCacheRepairs, orderRepair, readRepairs } from "../../engine/cache/cache-repair.ts";
import { CACHED_BY_BLOCK } from "../../engine/cache/cache-tables.ts";
import { cachedThrough, compareCache } from "../../engine/cache/compare-cache.ts";
import {
  type Announcements,
  CACHED_ANNOUNCEMENTS,
  findForgotten,
  storedAnnouncements,
} from "../../engine/cache/find-forgotten.ts";
import { followedFactories } from "../../engine/cache/followed-factory.ts";
import { trimCache } from "../../engine/cache/trim-cache.ts";
import { readEngineState } from "../../engine/deployment/engine-state.ts";
import { viewedDeployment } from "../../engine/deployment/viewed-deployment.ts";
import { releaseEngineLock } from "../../engine/release-engine-lock.ts";
import { freePort } from "../../local/free-port.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { TestChain } from "../support/test-chain.ts";
import { TestWorld } from "../support/test-world.ts";
import { waitUntil } from "../support/wait-until.ts";

/* The engine's cache of RPC answers as the installed engine fills it, forgets in it, and refills it. */

const CHAIN_ID = 41_308;
const DEALS = 3;
/** Keyed by what does not change when a row is written again. */
const CONTENT = {
  logs: "block_number, log_index, block_hash, address, topic0, data",
  transactions: "block_number, transaction_index, hash",
  blocks: "number, hash",
  factory_addresses: "factory_id, block_number, address",
  intervals: "fragment_id, blocks::text",
};

let world: TestWorld;
let chain: TestChain;
let databaseUrl: string;
let db: pg.Pool;
let env: Record<string, string>;
let schema: string;
/** What the cache holds after a backfill of a whole history. */
let whole: Record<string, pg.QueryResultRow[]>;
let creations: { escrow: Address; block: number }[];

beforeAll(async () => {
  world = await TestWorld.create();
  chain = await TestChain.start(CHAIN_ID);
  for (let deal = 0; deal < DEALS; deal++) await chain.makeDeals();
  await chain.makeFinal();
  databaseUrl = await world.createDatabase();
  db = new pg.Pool({ connectionString: databaseUrl });
  db.on("error", () => undefined);
  env = { ...TestChain.environment([chain]), DATABASE_URL: databaseUrl };
  const indexer = await startIndexer();
  schema = (await viewedDeployment(db)) ?? "";
  await stopIndexer(indexer);
  whole = await content();
  const { rows } = await db.query(
    `select stream as escrow, block_number::int as block from "${schema}".event
     where type = 'EscrowDeployed' order by block_number`,
  );
  creations = rows;
});

beforeEach(async () => {
  await ensureCacheRepairs(db);
  await db.query("delete from escrow._cache_repair");
});

afterAll(async () => {
  await db?.end();
  await world?.endTest();
  await chain?.stop();
  await world?.end();
});

test("In the cache of a whole history no escrow is forgotten", async () => {
  expect(creations).toHaveLength(DEALS * 2);
  expect(whole.factory_addresses).toHaveLength(DEALS * 2);
  for (const place of announcements()) expect(await forgottenIn(place)).toBeNull();
});

test("Forgotten escrows are found from the first one's block on, in the event store as in the cache's own logs", async () => {
  const [, second, , fourth] = creations;
  const client = await beginning();
  await client.query("delete from ponder_sync.factory_addresses where address = any ($1)", [
    [second?.escrow, fourth?.escrow],
  ]);
  for (const place of announcements())
    expect(await forgottenIn(place, client)).toEqual({ count: 2, firstBlock: second?.block });
});

test("The event store is compared with the cache log by log, in both directions", async () => {
  const client = await beginning();
  expect(await compared(client)).toEqual({ missing: 0, extra: 0, firstBlock: null });
  const [first, second] = creations;
  await client.query("set local session_replication_role = replica");
  await client.query(`delete from "${schema}".event where stream = $1`, [second?.escrow]);
  const ofSecond = whole.logs?.filter(({ address }) => address === second?.escrow).length ?? 0;
  expect(ofSecond).toBeGreaterThan(2);
  expect(await compared(client)).toEqual({
    missing: ofSecond + 1,
    extra: 0,
    firstBlock: second?.block,
  });
  await client.query("delete from ponder_sync.logs where address = $1", [first?.escrow]);
  expect(await compared(client)).toEqual({
    missing: ofSecond + 1,
    extra: ofSecond,
    firstBlock: first?.block,
  });
});

test("A trimmed cache has everything before the block, and nothing from it on", async () => {
  const from = creations[2]?.block ?? 0;
  const client = await beginning();
  await trimCache(client, CHAIN_ID, from);
  for (const [table, column] of Object.entries(CACHED_BY_BLOCK)) {
    const { rows } = await client.query(
      `select count(*)::int as left from ponder_sync.${table} where ${column} >= $1`,
      [from],
    );
    expect(rows, table).toEqual([{ left: 0 }]);
  }
  const { rows: intervals } = await client.query(
    "select distinct upper(blocks)::int - 1 as last from ponder_sync.intervals",
  );
  expect(intervals).toEqual([{ last: from - 1 }]);
  const { rows: logs } = await client.query(
    "select count(*)::int from ponder_sync.logs where chain_id = $1",
    [CHAIN_ID],
  );
  const before = whole.logs?.filter((row) => Number(row.block_number) < from);
  expect(logs).toEqual([{ count: before?.length }]);
});

test("An indexer that starts on a cache which has forgotten escrows says so, and fills it again", async () => {
  const [, second] = creations;
  await db.query("delete from ponder_sync.factory_addresses where address = $1", [second?.escrow]);
  await db.query("delete from ponder_sync.logs where address = $1", [second?.escrow]);
  const indexer = await startIndexer();
  expect(indexer.output).toContain(`has forgotten 1 escrows, the first of block ${second?.block}`);
  expect(indexer.output).toContain(`everything from block ${second?.block} on is asked for again`);
  await stopIndexer(indexer);
  expect(await content()).toEqual(whole);
  expect(await readRepairs(db)).toMatchObject([
    { chainId: CHAIN_ID, fromBlock: second?.block, state: "trimmed" },
  ]);
});

test("An indexer that runs ends when a trim is ordered, and carries it out at its next start", async () => {
  const indexer = await startIndexer();
  await orderRepair(db, { chainId: CHAIN_ID, fromBlock: 1, reason: "a test wants it" });
  expect(await indexer.exited).toEqual({ code: EXIT_RETRY, signal: null });
  await releaseEngineLock(databaseUrl, schema);
  const next = await startIndexer();
  expect(next.output).toContain("everything from block 1 on is asked for again");
  await stopIndexer(next);
  expect(await content()).toEqual(whole);
});

/** A transaction that is rolled back after the test. */
async function beginning(): Promise<pg.PoolClient> {
  const client = await db.connect();
  onTestFinished(async () => {
    await client.query("rollback");
    client.release();
  });
  await client.query("begin");
  return client;
}

async function compared(client: pg.ClientBase) {
  const [followed] = parseChains(env);
  if (followed === undefined) throw new Error("no chain is followed");
  const factories = followedFactories(followed);
  const throughBlock = await cachedThrough(client, factories, 1);
  if (throughBlock === null) throw new Error("the cache has not the first block");
  const of = { chainId: CHAIN_ID, factories, schema, fromBlock: 1, throughBlock };
  return await compareCache(client, of);
}

function announcements(): Announcements[] {
  return [CACHED_ANNOUNCEMENTS, storedAnnouncements(schema)];
}

async function forgottenIn(place: Announcements, client: pg.ClientBase | pg.Pool = db) {
  const [followed] = parseChains(env);
  if (followed === undefined) throw new Error("no chain is followed");
  return await findForgotten(client, CHAIN_ID, followedFactories(followed), place);
}

/** Resolves when it follows the chain. */
async function startIndexer(): Promise<ServiceProcess> {
  const port = await freePort();
  const indexer = world.ends(
    new ServiceProcess("indexer", { env: { ...env, INDEXER_PORT: String(port) } }),
  );
  await waitUntil("the engine follows the chain", async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/ready`);
    const live = await viewedDeployment(db);
    return answer.ok && live !== null && (await readEngineState(db, live)).isReady;
  }).catch((error) => {
    throw new Error(`${(error as Error).message}\n${indexer.output}`);
  });
  return indexer;
}

async function stopIndexer(indexer: ServiceProcess): Promise<void> {
  await indexer.stop();
  await releaseEngineLock(databaseUrl, schema);
}

async function content(): Promise<Record<string, pg.QueryResultRow[]>> {
  const all: Record<string, pg.QueryResultRow[]> = {};
  for (const [table, columns] of Object.entries(CONTENT)) {
    const { rows } = await db.query(
      `select distinct ${columns} from ponder_sync.${table} order by ${columns}`,
    );
    all[table] = rows;
  }
  return all;
}
