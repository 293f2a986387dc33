import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { Chain } from "../../config/chain-deployment.ts";
import { ensureCacheRepairs, readRepairs, recordTrim } from "../../engine/cache/cache-repair.ts";
import { followedFactories } from "../../engine/cache/followed-factory.ts";
import { ensureProgressView, noteEngineStart } from "../../engine/ensure-progress-view.ts";
import { ensureWitnessTables } from "../../engine/witness-tables.ts";
import { Healer, type HealState } from "../../proof/heal/healer.ts";
import type { EscrowEvent } from "../../src/events/escrow-event.ts";
import { EVENT_CATALOGUE } from "../../src/events/event-catalogue.ts";
import { connectEngine } from "../support/engine-database.ts";
import { recordingLog } from "../support/recording-log.ts";
import { RelayWorld, type TestDatabase } from "../support/relay-world.ts";
import { StandInDeployment } from "../support/stand-in-deployment.ts";
import { FORK_HASHES, historyWithFork, PROGRESS } from "../verify/verified-history.ts";

/* What is decided, and written down, while a deployment is healed. The engine is not running. */

const CHAIN_ID = 1;
const LIVE = "escrow_standin";
const SCOPE = "ab12";
const HISTORY = historyWithFork(FORK_HASHES.first).filter(({ chainId }) => chainId === CHAIN_ID);
const FINAL = PROGRESS.find(({ chainId }) => chainId === CHAIN_ID)?.finalized ?? 0;
const [CREATION, RELEASE] = [find("EscrowDeployed"), find("EscrowReleased")];
const CHAIN: Chain = {
  ...{ name: "one", chainId: CHAIN_ID, rpcUrls: [], pollIntervalMs: 1_000 },
  factories: [{ address: CREATION.emitter, startBlock: 1 }],
  rpcRequestsPerSecond: 1,
} as unknown as Chain;

const world = new RelayWorld();
let database: TestDatabase;
let engine: Awaited<ReturnType<typeof connectEngine>>;
let deployment: StandInDeployment;
let client: pg.Client;
let healer: Healer;
let said: { msg: string }[];
let replayedFrom: Record<number, number>[];

beforeAll(() => world.start());
afterAll(() => world.stop());

beforeEach(async () => {
  database = await world.database();
  engine = await connectEngine(database.url);
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  deployment = await StandInDeployment.create(database.pool, LIVE);
  await deployment.holds(HISTORY, PROGRESS);
  await ensureProgressView(client);
  await ensureWitnessTables(client);
  await ensureCacheRepairs(client);
  await cacheHolds(HISTORY);
  const { log, lines } = recordingLog();
  said = lines;
  replayedFrom = [];
  healer = new Healer({
    ...{ databaseUrl: database.url, chains: [CHAIN], build: async () => LIVE, env: {}, log },
    scopeOf: () => SCOPE,
    replay: async ({ acceptsFrom }) => {
      replayedFrom.push(acceptsFrom);
      return 0;
    },
    signal: new AbortController().signal,
  });
});

afterEach(async () => {
  await client.end();
  await engine.common.shutdown.kill();
});

test("Where nothing is found, nothing is ordered", async () => {
  expect(await pass()).toBe("clear");
  expect(await readRepairs(client)).toEqual([]);
});

test("A finding has everything asked again from its block on, or from the announcement of the first escrow that the cache does not know", async () => {
  await findingOf("hole", RELEASE);
  expect(await pass()).toBe("under-way");
  expect(await readRepairs(client)).toMatchObject([
    { fromBlock: RELEASE.blockNumber, state: "ordered" },
  ]);
  await client.query("delete from escrow._cache_repair");
  await client.query("delete from ponder_sync.factory_addresses where address = $1", [
    CREATION.stream,
  ]);
  await client.query("insert into witness.child values ($1, $2, $3, $4, $5)", [
    ...[CHAIN_ID, SCOPE, CREATION.stream, CREATION.blockNumber, CREATION.revision],
  ]);
  expect(await pass()).toBe("under-way");
  expect(await readRepairs(client)).toMatchObject([
    { fromBlock: CREATION.blockNumber, state: "ordered" },
  ]);
});

test("What was ordered waits for an indexer that trims, and then until that is at work again", async () => {
  await findingOf("hole", RELEASE);
  await pass();
  expect(await pass()).toBe("under-way");
  expect(said.at(-1)?.msg).toContain("waits for the indexer");
  await trim();
  expect(await pass()).toBe("under-way");
  expect(said.at(-1)?.msg).toContain("the indexer asks again for everything");
  expect(replayedFrom).toEqual([]);
});

test("A deployment that has what the cache has, and that nobody finds fault with, needs no replay", async () => {
  await orderFrom(CREATION.blockNumber);
  await trimAndFill();
  expect(await pass()).toBe("clear");
  expect(await readRepairs(client)).toEqual([]);
  expect(replayedFrom).toEqual([]);
});

test.each([
  ["lacks an event", () => deployment.holds(HISTORY.filter(isNot(RELEASE)), PROGRESS)],
  ["has an event too many", () => cacheHolds(HISTORY.filter(isNot(RELEASE)))],
])(
  "A deployment that %s is replayed, and may differ from the trimmed block on [G-23]",
  async (_, spoil) => {
    await orderFrom(CREATION.blockNumber);
    await spoil();
    await trimAndFill();
    expect(await pass()).toBe("under-way");
    expect(replayedFrom).toEqual([{ [CHAIN_ID]: CREATION.blockNumber }]);
    expect(await readRepairs(client)).toMatchObject([{ attempts: 1 }]);
  },
);

test("What was found in a deployment counts as healed when the one in its place is verified past it", async () => {
  await findingOf("hole", RELEASE, "escrow_before");
  await orderFrom(CREATION.blockNumber);
  await trimAndFill();
  expect(await pass()).toBe("under-way");
  expect(said.at(-1)?.msg).toContain("waits until the witness has verified");
  await client.query(
    `insert into witness.verified (deployment, chain_id, through_block, basis, history_through)
     values ($1, $2, $3, 'proof', $3)`,
    [LIVE, CHAIN_ID, RELEASE.blockNumber],
  );
  expect(await pass()).toBe("clear");
  const { rows } = await client.query("select healed_at is null as open from witness.finding");
  expect(rows).toEqual([{ open: false }]);
});

test("A finding that a replay does not change is tried again after a pause, each time out of a trimmed cache, and then left to an operator", async () => {
  await findingOf("differs", RELEASE);
  await orderFrom(RELEASE.blockNumber);
  for (let attempt = 1; attempt <= 3; attempt++) {
    await trimAndFill();
    expect(await pass()).toBe("under-way");
    expect(replayedFrom).toHaveLength(attempt);
    expect(await pass()).toBe(attempt < 3 ? "under-way" : "stuck");
    expect(await readRepairs(client)).toMatchObject([{ state: "trimmed", attempts: attempt }]);
    if (attempt === 3) break;
    expect(said.at(-1)?.msg).toContain("another attempt follows");
    await client.query(
      "update escrow._cache_repair set trimmed_at = trimmed_at - interval '1 h', tried_at = tried_at - interval '1 h'",
    );
    expect(await pass()).toBe("under-way");
    expect(await readRepairs(client)).toMatchObject([{ state: "ordered", attempts: attempt }]);
  }
  expect(said.at(-1)?.msg).toContain("Needs operator action");
});

function pass(): Promise<HealState> {
  return healer.pass(client);
}

async function orderFrom(block: number): Promise<void> {
  await client.query(
    "insert into escrow._cache_repair (chain_id, from_block, reason, state) values ($1, $2, 'a test', 'ordered')",
    [CHAIN_ID, block],
  );
}

async function trim(): Promise<void> {
  for (const repair of await readRepairs(client)) await recordTrim(client, repair);
}

/** As an indexer does at its start, with the same answers as before. */
async function trimAndFill(): Promise<void> {
  await trim();
  await noteEngineStart(client, LIVE, { isCaughtUp: true });
}

async function findingOf(kind: string, event: EscrowEvent, of = LIVE): Promise<void> {
  await client.query(
    `insert into witness.finding (deployment, chain_id, kind, event_id, block_number, detail)
     values ($1, $2, $3, $4, $5, 'what a test finds')`,
    [of, CHAIN_ID, kind, event.id, event.blockNumber],
  );
}

/** Makes the cache what the engine's is that indexed these events. */
async function cacheHolds(events: readonly EscrowEvent[]): Promise<void> {
  for (const table of ["logs", "factory_addresses", "factories", "intervals"])
    await client.query(`delete from ponder_sync.${table}`);
  for (const { revision, factory, fragment } of followedFactories(CHAIN)) {
    const { rows } = await client.query(
      "insert into ponder_sync.factories (factory) values ($1) returning id",
      [JSON.stringify(factory)],
    );
    await client.query(
      "insert into ponder_sync.intervals values ($1, $2, nummultirange(numrange(1, $3, '[]')))",
      [fragment, CHAIN_ID, FINAL + 1],
    );
    for (const event of events)
      if (event.type === "EscrowDeployed" && event.revision === revision)
        await client.query(
          "insert into ponder_sync.factory_addresses (factory_id, chain_id, block_number, address) values ($1, $2, $3, $4)",
          [rows[0].id, CHAIN_ID, event.blockNumber, event.stream],
        );
  }
  for (const event of events) {
    const { topic0 } = EVENT_CATALOGUE[event.type].revisions[event.revision];
    await client.query(
      `insert into ponder_sync.logs
         (chain_id, block_number, log_index, transaction_index, block_hash, transaction_hash,
          address, topic0, data)
       values ($1, $2, $3, 0, $4, $5, $6, $7, '0x')`,
      [
        ...[CHAIN_ID, event.blockNumber, event.logIndex, event.blockHash, event.transactionHash],
        ...[event.emitter, topic0],
      ],
    );
  }
}

function find(type: EscrowEvent["type"]): EscrowEvent {
  const found = HISTORY.find((event) => event.type === type);
  if (found === undefined) throw new Error(`there is no ${type}`);
  return found;
}

function isNot(event: EscrowEvent): (other: EscrowEvent) => boolean {
  return (other) => other !== event;
}
