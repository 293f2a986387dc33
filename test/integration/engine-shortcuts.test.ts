import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { mendEngine } from "../../cli/mend-engine.ts";
import * as schema from "../../ponder.schema.ts";
import { encodeMessage } from "../../src/outbox/encode-message.ts";
import { indexLog, readGoldenFiles } from "../support/golden-events.ts";
import { projectEvents } from "../support/project-events.ts";
import { RelayWorld, type TestDatabase } from "../support/relay-world.ts";

/* The engine's own store of rows with its detours taken out, on a real PostgreSQL. */

const MODULES = join(import.meta.dirname, "../../node_modules");
const ENGINE = join(MODULES, "ponder/dist/esm");

type Row = Record<string, unknown>;
type Cache = {
  qb: unknown;
  event: unknown;
  get(of: { table: object; key: Row }): Promise<Row | null>;
  set(of: { table: object; key: Row; row: Row; isUpdate: boolean }): Row;
  flush(): Promise<void>;
  clear(): void;
};
type Folding = {
  values(row: Row): { onConflictDoUpdate(evolve: (row: Row) => Row): Promise<Row> };
};
type Store = { qb: unknown; db: { insert(table: object): Folding } };
type Transaction = { wrap(run: (db: { execute(text: string): unknown }) => unknown): unknown };
type QueryBuilder = { transaction(run: (tx: Transaction) => Promise<void>): Promise<void> };

/** So many rows of approvals take more than one portion. */
const PORTIONS = 12_000;

const world = new RelayWorld();
let createCache: (crashRecoveryCheckpoint?: object[]) => Cache;
let createStore: (cache: Cache) => Store;
let createQueryBuilder: (pool: unknown) => QueryBuilder;
let normalizeRow: (table: object, row: Row, isUpdate: boolean) => Row;
let NonRetryableUserError: new (message: string) => Error;
let database: TestDatabase;

beforeAll(async () => {
  await world.start();
  // As the engine is on disk: another URL is not mended.
  const utils = `${pathToFileURL(join(ENGINE, "indexing-store/utils.js")).href}?unmended`;
  ({ normalizeRow } = await import(utils));
  mendEngine();
  const load = (path: string) => import(pathToFileURL(join(MODULES, path)).href);
  const { createIndexingCache } = await load("ponder/dist/esm/indexing-store/cache.js");
  ({ NonRetryableUserError } = await load("ponder/dist/esm/internal/errors.js"));
  const { createQB } = await load("ponder/dist/esm/database/queryBuilder.js");
  const { drizzle } = await load("drizzle-orm/node-postgres/index.js");
  const { createIndexingStore } = await load("ponder/dist/esm/indexing-store/index.js");
  createCache = (crashRecoveryCheckpoint) =>
    createIndexingCache({
      ...{ common: COMMON, schemaBuild: { schema }, eventCount: {} },
      crashRecoveryCheckpoint,
    });
  createStore = (indexingCache) =>
    createIndexingStore({ common: COMMON, schemaBuild: { schema }, indexingCache });
  createQueryBuilder = (pool) => createQB(drizzle(pool, { casing: "snake_case" }), COMMON_OPTIONS);
});
afterAll(() => world.stop());

beforeEach(async () => {
  database = await world.database();
  await database.pool.query(`
    create table approval (
      chain_id int8, escrow text, approver text, ordinal int, approved_at numeric(78),
      block_number int8, transaction_hash text, log_index int, event_id text,
      primary key (chain_id, escrow, approver));
    create table settlement_minute (
      chain_id int8, minute numeric(78), deployed_count int, deployed_amount numeric(78),
      released_count int, released_amount numeric(78), refunded_count int,
      refunded_amount numeric(78), primary key (chain_id, minute))`);
});

test("rows that nobody reads are written while their batch goes on, and are found when somebody does", async () => {
  const cache = createCache();
  await createQueryBuilder(database.pool).transaction(async (tx) => {
    cache.qb = tx;
    for (let number = 1; number <= PORTIONS; number++) keep(cache, number);
    // Behind what is being written, on the same connection.
    const { rows } = (await tx.wrap((db) => db.execute("select count(*)::int from approval"))) as {
      rows: { count: number }[];
    };
    expect(rows[0]?.count).toBeGreaterThan(PORTIONS / 2);
    expect(rows[0]?.count).toBeLessThan(PORTIONS);
    expect(await rowsSeenOutside()).toBe(0);

    for (const number of [1, PORTIONS / 2, PORTIONS])
      expect(await cache.get({ table: schema.approval, key: approvalRow(number) })).toEqual(
        approvalRow(number),
      );
    const next = PORTIONS + 1;
    expect(await cache.get({ table: schema.approval, key: approvalRow(next) })).toBeNull();
    keep(cache, next);
    expect(await cache.get({ table: schema.approval, key: approvalRow(next) })).not.toBeNull();
    await cache.flush();
  });
  expect(await rowsSeenOutside()).toBe(PORTIONS + 1);
});

test.each([
  ["in the same portion", 3],
  ["in one that was sent before", PORTIONS - 1],
])("a row that the database refuses fails its batch as a whole: %s", async (_, before) => {
  const cache = createCache();
  const batch = createQueryBuilder(database.pool).transaction(async (tx) => {
    cache.qb = tx;
    for (let number = 1; number <= before; number++) keep(cache, number);
    keep(cache, 2);
    for (let number = before + 1; number <= PORTIONS; number++) keep(cache, number);
    await cache.flush();
  });
  await expect(batch).rejects.toThrow(/duplicate key/);
  expect(await rowsSeenOutside()).toBe(0);
});

test("what a failed batch left waiting is not written by the next one", async () => {
  const cache = createCache();
  const failed = createQueryBuilder(database.pool).transaction(async (tx) => {
    cache.qb = tx;
    for (let number = 1; number <= PORTIONS; number++) keep(cache, number);
    throw new NonRetryableUserError("a handler failed");
  });
  await expect(failed).rejects.toThrow("a handler failed");
  // As the engine does, before it tries again.
  cache.clear();
  await createQueryBuilder(database.pool).transaction(async (tx) => {
    cache.qb = tx;
    keep(cache, PORTIONS);
    await cache.flush();
  });
  expect(await rowsSeenOutside()).toBe(1);
});

test("a row longer than a portion arrives whole, whatever its characters", async () => {
  const row = { ...approvalRow(1), eventId: "ä€𝄞\\\t".repeat(600_000) };
  const cache = createCache();
  await createQueryBuilder(database.pool).transaction(async (tx) => {
    cache.qb = tx;
    keep(cache, 2);
    cache.set({ table: schema.approval, key: row, row, isUpdate: false });
    keep(cache, 3);
    await cache.flush();
  });
  const { rows } = await database.pool.query("select event_id from approval order by escrow");
  expect(rows.map((each) => each.event_id)).toEqual([
    row.eventId,
    approvalRow(2).eventId,
    approvalRow(3).eventId,
  ]);
});

test("a folded row is what its fold gave: the first time, while it waits, and from the database", async () => {
  const add = (store: Store, minute: bigint, amount: bigint) =>
    store.db
      .insert(schema.settlementMinute)
      .values(minuteRow(minute, amount))
      .onConflictDoUpdate((row) => minuteRow(minute, (row.deployedAmount as bigint) + amount));
  const inBatch = (cache: Cache, run: (store: Store) => Promise<void>) =>
    createQueryBuilder(database.pool).transaction(async (tx) => {
      const store = createStore(cache);
      store.qb = tx;
      cache.qb = tx;
      await run(store);
      await cache.flush();
    });
  const first = createCache();
  await inBatch(first, async (store) => {
    expect(await add(store, 60n, 1n)).toEqual(minuteRow(60n, 1n));
    expect(await add(store, 60n, 2n)).toEqual(minuteRow(60n, 3n));
    await add(store, 120n, 7n);
  });
  expect(await amounts()).toEqual(["3", "7"]);
  await inBatch(first, async (store) => {
    expect(await add(store, 60n, 4n)).toEqual(minuteRow(60n, 7n));
    await add(store, 60n, 8n);
  });
  expect(await amounts()).toEqual(["15", "7"]);

  // As after a restart, when no row is in memory.
  await inBatch(createCache([]), async (store) => {
    expect(await add(store, 60n, 16n)).toEqual(minuteRow(60n, 31n));
    await add(store, 60n, 32n);
    await add(store, 180n, 1n);
  });
  expect(await amounts()).toEqual(["63", "7", "1"]);
});

test("the handlers' rows are what the database gives back for them", () => {
  const events = readGoldenFiles().flatMap(({ revision, events }) =>
    events.map(({ log }) => indexLog(revision, log)),
  );
  const models = projectEvents(events);
  const rows: [object, Iterable<object>][] = [
    [
      schema.event,
      models.transitions.map(({ event, after, anomaly }) => ({
        ...event,
        streamVersion: after.version,
        anomaly,
      })),
    ],
    [schema.outbox, events.map(outboxRow)],
    [schema.escrow, models.escrows.values()],
    [schema.approval, models.approvals.values()],
    [schema.settlement, models.settlements.values()],
    [schema.party, models.parties.values()],
    [schema.settlementMinute, models.minutes.values()],
    [schema.chainStat, models.stats.values()],
  ];
  for (const [table, ofTable] of rows)
    for (const row of ofTable)
      expect(row).toStrictEqual(normalizeRow(table, structuredClone(row) as Row, false));
});

function keep(cache: Cache, number: number): void {
  const row = approvalRow(number);
  cache.set({ table: schema.approval, key: row, row, isUpdate: false });
}

async function rowsSeenOutside(): Promise<number> {
  const { rows } = await database.pool.query("select count(*)::int from approval");
  return rows[0].count;
}

async function amounts(): Promise<string[]> {
  const { rows } = await database.pool.query(
    "select deployed_amount from settlement_minute order by minute",
  );
  return rows.map((row) => row.deployed_amount);
}

function minuteRow(minute: bigint, deployedAmount: bigint): Row {
  return {
    chainId: 1,
    minute,
    deployedCount: 1,
    deployedAmount,
    releasedCount: 0,
    releasedAmount: 0n,
    refundedCount: 0,
    refundedAmount: 0n,
  };
}

function approvalRow(number: number): Row {
  return {
    chainId: 1,
    escrow: `0x${String(number).padStart(40, "0")}`,
    approver: `0x${"a".repeat(40)}`,
    ordinal: 1,
    approvedAt: BigInt(number),
    blockNumber: number,
    transactionHash: `0x${"b".repeat(64)}`,
    logIndex: 0,
    // What has to be escaped on its way.
    eventId: `1-0x${number}\\N\t\n"-0`,
  };
}

function outboxRow(event: ReturnType<typeof indexLog>): object {
  const { chainId, position, id: eventId, blockNumber, blockHash } = event;
  const { orderingKey, body, attributes } = encodeMessage(event);
  const origin = { chainId, position, eventId, blockNumber, blockHash };
  return { ...origin, orderingKey, body, attributes: JSON.stringify(attributes) };
}

const nothing = () => undefined;
const LOGGER = { debug: nothing, trace: nothing, warn: nothing, error: nothing };
const METRIC = { observe: nothing, inc: nothing };
const COMMON = {
  logger: { ...LOGGER, child: () => LOGGER },
  metrics: {
    incrementIndexingCacheRequests: nothing,
    incrementIndexingStoreQueries: nothing,
    ponder_indexing_cache_query_duration: METRIC,
    ponder_database_method_duration: METRIC,
    ponder_database_method_error_total: METRIC,
  },
  options: { indexingCacheMaxBytes: 1_000_000 },
  shutdown: { isKilled: false },
};
const COMMON_OPTIONS = { common: COMMON };
