import { setTimeout } from "node:timers/promises";
import pg from "pg";
import { numberToHex } from "viem";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { SeededRandom } from "../../local/chain/seeded-random.ts";
import { ChainNode } from "../forks/chain-node.ts";
import { ChainSimulator } from "../forks/chain-simulator.ts";
import { Deal } from "../forks/deal.ts";
import { SimulatedChain } from "../forks/simulated-chain.ts";
import type { Transaction } from "../forks/transaction.ts";
import { connectEngine } from "../support/engine-database.ts";
import { escrowFilter, FACTORY_ID } from "../support/engine-filter.ts";
import { loadEngine } from "../support/load-engine.ts";
import { RelayWorld, type TestDatabase } from "../support/relay-world.ts";

/* What the patched engine keeps in its cache of RPC answers when a part of a backfill is retried. */

const BLOCKS = 150;
/** In the first interval, and in one of those that wait for another. */
const FAULTY_BLOCKS = [5, 40];
/** Longer than the engine waits before it tries again. */
const SLOW_MS = 3_000;

type Request = { method: string; params: [first: unknown, ...unknown[]] };
type Historical = { getLocalSyncGenerator: (args: object) => AsyncGenerator<number> };
type Children = Map<string, number>;
type SyncStore = {
  getIntervals(of: { filters: object[] }): Promise<Map<object, unknown>>;
  getChildAddresses(of: { factory: object }): Promise<Children>;
};

const world = new RelayWorld();
let historical: Historical;
let createSyncStore: (args: object) => SyncStore;
let database: TestDatabase;
let engine: Awaited<ReturnType<typeof connectEngine>>;
let chain: SimulatedChain;
let node: ChainNode;
let simulator: ChainSimulator;
let escrows: string[];
/** The first blocks of the ranges whose factory logs were asked for. */
let asked: number[];
let onBlock: (number: number) => Promise<unknown>;
let onLogs: (fromBlock: number) => void;

beforeAll(async () => {
  await world.start();
  historical = await loadEngine("runtime/historical.js");
  ({ createSyncStore } = await loadEngine<{ createSyncStore: typeof createSyncStore }>(
    "sync-store/index.js",
  ));
});
afterAll(() => world.stop());

beforeEach(async () => {
  const random = new SeededRandom("engine-sync-retry");
  chain = new SimulatedChain(41_306, "engine-sync-retry");
  const creations = Array.from({ length: BLOCKS }, () => creationOf(random));
  escrows = creations.map(({ escrow }) => String(escrow)).sort();
  chain.mine(creations.map((creation) => ({ transactions: [creation], secondsLater: 2 })));
  node = new ChainNode(chain);
  simulator = await ChainSimulator.start([node]);
  database = await world.database();
  engine = await connectEngine(database.url);
  asked = [];
  onLogs = () => undefined;
});

afterEach(async () => {
  await engine.common.shutdown.kill();
  await simulator.stop();
});

test.each([
  ["a node answers null for a block", async () => null],
  ["its database sessions are ended", endSessions],
])(
  "every escrow is in the cache, and every range was asked for once more at the most, when %s",
  async (_, fault) => {
    const left = new Set(FAULTY_BLOCKS);
    onBlock = async (number) => (left.delete(number) ? await fault() : undefined);
    const known = await backfill();

    expect(left.size).toBe(0);
    expect([...known.keys()].sort()).toEqual(escrows);
    expect([...(await cachedChildren()).keys()].sort()).toEqual(escrows);
    expect(await countOf("logs")).toBe(BLOCKS);
    const again = asked.length - new Set(asked).size;
    expect(again).toBeGreaterThanOrEqual(FAULTY_BLOCKS.length);
    // Sessions are ended of an interval, and of the one that waits for it.
    expect(again).toBeLessThanOrEqual(FAULTY_BLOCKS.length * 2);
  },
);

test("an interval that failed is retried only when nothing of it is under way any more", async () => {
  const [faulty = 0] = FAULTY_BLOCKS;
  const underWay = new Set<number>();
  const atRetry: number[] = [];
  let hasFailed = false;
  onBlock = async (number) => {
    if (hasFailed || number > faulty) return undefined;
    if (number === faulty) {
      hasFailed = true;
      return null;
    }
    underWay.add(number);
    await setTimeout(SLOW_MS);
    underWay.delete(number);
    return undefined;
  };
  onLogs = (fromBlock) => {
    if (hasFailed && fromBlock === 0) atRetry.push(underWay.size);
  };
  await backfill();
  expect(atRetry.length).toBeGreaterThan(0);
  expect(Math.max(...atRetry)).toBe(0);
});

test("a connection that died before its transaction began is given back", async () => {
  const { drizzle } = await loadEngine<{
    drizzle: (pool: pg.Pool) => { transaction(run: () => Promise<void>): Promise<void> };
  }>("../../../drizzle-orm/node-postgres/index.js");
  const pool = new pg.Pool({ connectionString: database.url, max: 1 });
  pool.on("error", () => undefined);
  pool.on("connect", (client) => client.on("error", () => undefined));
  const connect = pool.connect.bind(pool);
  pool.connect = async () => {
    const client = await connect();
    await client.query("select pg_terminate_backend(pg_backend_pid())").catch(() => undefined);
    return client;
  };
  await expect(drizzle(pool).transaction(async () => undefined)).rejects.toThrow();
  expect(pool.totalCount - pool.idleCount).toBe(0);
  await pool.end();
});

/** @returns the escrows that the engine knows in the end, with the blocks of their creation */
async function backfill(): Promise<Children> {
  const filter = escrowFilter(chain.chainId) as { address: object };
  const store = createSyncStore({ common: engine.common, qb: engine.database.syncQB });
  const children = await cachedChildren();
  const { number, hash, timestamp } = chain.head;
  const final = { number: numberToHex(number), hash, timestamp: numberToHex(timestamp) };
  const steps = historical.getLocalSyncGenerator({
    common: engine.common,
    chain: { id: chain.chainId, name: "simulated", finalityBlockCount: 30, disableCache: false },
    rpc: { request: ask },
    eventCallbacks: [{ filter }],
    childAddresses: new Map([[FACTORY_ID, children]]),
    cachedIntervals: await store.getIntervals({ filters: [filter] }),
    syncProgress: { start: { number: "0x0" }, finalized: final },
    database: engine.database,
    isCatchup: false,
  });
  for await (const _block of steps);
  return children;
}

function cachedChildren(): Promise<Children> {
  const { address: factory } = escrowFilter(chain.chainId) as { address: object };
  const store = createSyncStore({ common: engine.common, qb: engine.database.syncQB });
  return store.getChildAddresses({ factory });
}

async function ask(request: Request): Promise<unknown> {
  const [first] = request.params;
  if (request.method === "eth_getLogs") {
    const { topics, fromBlock } = first as { topics: unknown[]; fromBlock: string };
    if (topics.length > 0) asked.push(Number(fromBlock));
    onLogs(Number(fromBlock));
  }
  if (request.method === "eth_getBlockByNumber") {
    const answer = await onBlock(Number(first));
    if (answer !== undefined) return answer;
  }
  const response = await fetch(simulator.urlOf(node), {
    method: "POST",
    body: JSON.stringify({ id: 1, ...request }),
  });
  return ((await response.json()) as { result: unknown }).result;
}

async function endSessions(): Promise<void> {
  const { rowCount } = await database.pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and application_name = 'ponder_sync'`,
  );
  expect(rowCount).toBeGreaterThan(0);
}

async function countOf(table: string): Promise<number> {
  const { rows } = await database.pool.query(`select count(*)::int from ponder_sync.${table}`);
  return rows[0].count;
}

function creationOf(random: SeededRandom): Transaction {
  for (;;) {
    const deal = new Deal(random);
    const creation = deal.next([]);
    if (deal.revision === "A" && creation !== null) return creation;
  }
}
