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
};
type Transaction = { wrap(run: (db: { execute(text: string): unknown }) => unknown): unknown };
type QueryBuilder = { transaction(run: (tx: Transaction) => Promise<void>): Promise<void> };

const world = new RelayWorld();
let createCache: () => Cache;
let createQueryBuilder: (pool: unknown) => QueryBuilder;
let normalizeRow: (table: object, row: Row, isUpdate: boolean) => Row;
let database: TestDatabase;

beforeAll(async () => {
  await world.start();
  // As the engine is on disk: another URL is not mended.
  const utils = `${pathToFileURL(join(ENGINE, "indexing-store/utils.js")).href}?unmended`;
  ({ normalizeRow } = await import(utils));
  mendEngine();
  const load = (path: string) => import(pathToFileURL(join(MODULES, path)).href);
  const { createIndexingCache } = await load("ponder/dist/esm/indexing-store/cache.js");
  const { createQB } = await load("ponder/dist/esm/database/queryBuilder.js");
  const { drizzle } = await load("drizzle-orm/node-postgres/index.js");
  createCache = () =>
    createIndexingCache({ common: COMMON, schemaBuild: { schema }, eventCount: {} });
  createQueryBuilder = (pool) => createQB(drizzle(pool, { casing: "snake_case" }), COMMON_OPTIONS);
});
afterAll(() => world.stop());

beforeEach(async () => {
  database = await world.database();
  await database.pool.query(`
    create table approval (
      chain_id int8, escrow text, approver text, ordinal int, approved_at numeric(78),
      block_number int8, transaction_hash text, log_index int, event_id text,
      primary key (chain_id, escrow, approver))`);
});

test("rows that nobody reads are written while their batch goes on, and are found when somebody does", async () => {
  const cache = createCache();
  await createQueryBuilder(database.pool).transaction(async (tx) => {
    cache.qb = tx;
    for (let number = 1; number <= 2_400; number++) keep(cache, number);
    // Behind what is being written, on the same connection.
    const { rows } = (await tx.wrap((db) => db.execute("select count(*)::int from approval"))) as {
      rows: Row[];
    };
    expect(rows).toEqual([{ count: 2_000 }]);
    expect(await rowsSeenOutside()).toBe(0);

    for (const number of [1, 2_000, 2_001, 2_400])
      expect(await cache.get({ table: schema.approval, key: approvalRow(number) })).toEqual(
        approvalRow(number),
      );
    expect(await cache.get({ table: schema.approval, key: approvalRow(2_401) })).toBeNull();
    keep(cache, 2_401);
    expect(await cache.get({ table: schema.approval, key: approvalRow(2_401) })).not.toBeNull();
    await cache.flush();
  });
  expect(await rowsSeenOutside()).toBe(2_401);
});

test("a row that the database refuses, whenever it was written, fails its batch as a whole", async () => {
  for (const twice of [3, 2_100]) {
    const cache = createCache();
    const batch = createQueryBuilder(database.pool).transaction(async (tx) => {
      cache.qb = tx;
      for (let number = 1; number <= 2_200; number++) keep(cache, number);
      keep(cache, twice);
      for (let number = 2_201; number <= 4_100; number++) keep(cache, number);
      await cache.flush();
    });
    await expect(batch).rejects.toThrow(/duplicate key/);
    expect(await rowsSeenOutside()).toBe(0);
  }
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
    ponder_indexing_cache_query_duration: METRIC,
    ponder_database_method_duration: METRIC,
    ponder_database_method_error_total: METRIC,
  },
  options: { indexingCacheMaxBytes: 1_000_000 },
  shutdown: { isKilled: false },
};
const COMMON_OPTIONS = { common: COMMON };
