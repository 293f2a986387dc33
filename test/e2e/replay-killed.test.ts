import pg from "pg";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { readGenerations } from "../../engine/deployment/generation.ts";
import { expectMessages } from "../support/expect-messages.ts";
import { expectedIds, expectedMessages } from "../support/expected-messages.ts";
import { type RealService, realService } from "../support/real-service.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { TestChain } from "../support/test-chain.ts";
import { FINAL_TOPIC, LATEST_TOPIC, TestWorld } from "../support/test-world.ts";
import { waitUntil } from "../support/wait-until.ts";
import { watchAnswers } from "../support/watch-answers.ts";

let world: TestWorld;
let chain: TestChain;
let service: RealService;

beforeAll(async () => {
  world = await TestWorld.create();
  chain = world.ends(await TestChain.start(41_010));
  service = await realService(world, chain);
});

afterAll(() => world?.end());

/*
 * Each step is held where it is by a lock that it needs, taken by somebody who only reads: so the
 * kill meets it there and nowhere else.
 */
test("A replay that is killed before its order, during the handover, and while it removes the old deployment disturbs no reader and no subscriber, and the next one goes on [G-16]", async () => {
  const { recorder, deploymentSchemas, countByRest, countBySql } = service;
  await chain.makeDeals();
  await chain.makeFinal();
  const running = service.start();
  await recorder.waitForIds(FINAL_TOPIC, await expectedIds(chain));
  const [first = ""] = await deploymentSchemas();
  const second = `${first}_r2`;
  const watches = [countByRest, countBySql].map(watchAnswers);
  for (const watch of watches) await waitUntil("an answer", () => watch.count > 0);
  const rows = await storedRows();

  const beforeOrder = replay("--grace", "0s");
  await waitUntil("it is being built", async () => (await states())[second] === "building");
  const lockedOrders = await holds("lock table escrow._generation in share mode");
  const ordering = await waitUntil("the order waits", () => lockedOut("_generation"));
  await beforeOrder.kill();
  // The kill came before the order: without this, PostgreSQL would still carry it out.
  await ask("select pg_terminate_backend($1)", [ordering]);
  await lockedOrders.letGo();
  expect(await states()).toEqual({ [second]: "building" });
  expect(await service.viewedSchema()).toBe(first);

  const reader = await holds("select from escrow.event");
  const inHandover = replay("--grace", "0s");
  await waitUntil("the indexer begins to take over", async () => {
    const [row] = await ask("select starts from escrow._generation where state = 'handover'");
    return row?.starts > 0;
  });
  await inHandover.kill();
  expect(inHandover.output).toContain(`going on with ${second}`);
  expect(await service.viewedSchema()).toBe(first);
  await reader.letGo();
  // As it also stands when the kill comes in the grace time.
  await waitUntil(
    "the indexer completes it alone",
    async () => (await service.viewedSchema()) === second,
  );
  expect(await states()).toEqual({ [first]: "retired", [second]: "live" });

  const lateReader = await holds(`select from ${first}.event`);
  const inRemoval = replay("--dry-run", "--grace", "0s");
  await waitUntil("it is about to remove", () => inRemoval.output.includes(`removing ${first}`));
  await inRemoval.kill();
  await lateReader.letGo();
  expect(await service.viewedSchema()).toBe(second);

  const last = replay("--dry-run", "--grace", "0s");
  expect(await last.exited, last.output).toEqual({ code: 0, signal: null });
  expect(await deploymentSchemas()).toEqual([second]);
  expect(await states()).toEqual({ [second]: "live" });
  expect(await storedRows()).toEqual(rows);

  await chain.makeDeals();
  await chain.makeFinal();
  await recorder.waitForIds(FINAL_TOPIC, await expectedIds(chain));
  await Promise.all(watches.map((watch) => watch.stop()));
  expect(await running.stop()).toEqual({ code: 0, signal: null });
  await service.allReceived();
  for (const topic of [LATEST_TOPIC, FINAL_TOPIC])
    expectMessages(recorder.on(topic), await expectedMessages(chain, topic));
  expect(watches.flatMap(({ problems }) => problems)).toEqual([]);
});

function replay(...args: string[]): ServiceProcess {
  return world.ends(new ServiceProcess("replay", { args, env: service.env }));
}

/** A transaction that keeps its locks until it is let go. */
async function holds(statement: string): Promise<{ letGo(): Promise<void> }> {
  const client = await connect();
  await client.query("begin");
  await client.query(statement);
  return {
    letGo: async () => {
      await client.query("rollback");
    },
  };
}

async function connect(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: service.databaseUrl });
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

/** The process of PostgreSQL that waits for a lock with a statement that names something. */
async function lockedOut(name: string): Promise<number | undefined> {
  const [row] = await ask(
    `select pid from pg_stat_activity
     where wait_event_type = 'Lock' and datname = current_database() and position($1 in query) > 0`,
    [name],
  );
  return row?.pid;
}

function ask(text: string, values: unknown[] = []): Promise<pg.QueryResultRow[]> {
  return world.query(service.databaseUrl, text, values);
}

async function states(): Promise<Record<string, string>> {
  const client = await connect();
  const generations = await readGenerations(client);
  return Object.fromEntries(generations.map(({ schema, state }) => [schema, state]));
}

/** What the views show of everything that is indexed. */
async function storedRows(): Promise<pg.QueryResultRow[]> {
  return await ask("select id, position, payload from escrow.event order by id");
}
