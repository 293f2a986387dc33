import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Address } from "viem";
import { afterAll, beforeAll, expect, test } from "vitest";
import { releaseEngineLock } from "../../engine/release-engine-lock.ts";
import { copyProject } from "../support/copy-project.ts";
import { expectMessages } from "../support/expect-messages.ts";
import { expectedIds, expectedMessages } from "../support/expected-messages.ts";
import { type RealService, realService } from "../support/real-service.ts";
import type { ServiceOptions, ServiceProcess } from "../support/service-process.ts";
import { TestChain } from "../support/test-chain.ts";
import { FINAL_TOPIC, LATEST_TOPIC, TestWorld } from "../support/test-world.ts";
import { waitUntil } from "../support/wait-until.ts";

const TOPICS = [LATEST_TOPIC, FINAL_TOPIC];
/** Two starts of an engine, and a second look at what differs. */
const HEAL_TIMEOUT_MS = 300_000;

let world: TestWorld;
let chain: TestChain;
let service: RealService;
/** Healed, and at work. */
let running: ServiceProcess;

beforeAll(async () => {
  world = await TestWorld.create();
  chain = world.ends(await TestChain.start(41_010));
  service = await realService(world, chain);
});

afterAll(() => world?.end());

test("A service whose cache has forgotten escrows, and that missed their events for a while, finds that at its start, heals by itself, and publishes what was missed once and in order [G-23]", async () => {
  const { recorder } = service;
  const escrows = [await chain.create("A"), await chain.create("B"), await chain.create("A")];
  const [first, second] = escrows as [Address, Address, Address];
  await chain.makeDeals();
  await chain.makeFinal();
  const known = await expectedIds(chain);
  const before = start();
  await recorder.waitForIds(FINAL_TOPIC, known).catch(tell(before));
  const live = await service.viewedSchema();
  await before.stop();
  await forget([first, second]);

  // Without the look at the start, as in older versions, nothing of them arrives any more.
  for (const escrow of escrows) await chain.call(chain.payer, escrow, "approve");
  await chain.makeFinal();
  const ids = await expectedIds(chain);
  const missed = (await expectedMessages(chain, FINAL_TOPIC))
    .filter(({ orderingKey }) => [first, second].some((each) => orderingKey.endsWith(lower(each))))
    .map(({ attributes }) => attributes.event_id ?? "")
    .filter((id) => !known.includes(id));
  expect(missed).toHaveLength(2);
  const older = start({ root: olderProject(), env: { WITNESS_HEALS: "false" } });
  const rest = ids.filter((id) => !missed.includes(id));
  await recorder.waitForIds(LATEST_TOPIC, rest);
  await waitUntil("the witness names what is missing", async () => {
    const found = await findings();
    return missed.every((id) => found.some((each) => each.event_id === id));
  }).catch(tell(older));
  for (const topic of TOPICS)
    expect(recorder.idsOn(topic).filter((id) => missed.includes(id))).toEqual([]);
  // What comes behind the first hole waits, of whatever escrow.
  expect(new Set(recorder.idsOn(FINAL_TOPIC))).toEqual(new Set(known));
  await older.stop();
  await releaseEngineLock(service.databaseUrl, live);

  running = start();
  await waitUntil("what was forgotten is named", () =>
    running.output.includes("has forgotten 2 escrows"),
  );
  await waitUntil(
    "the new deployment is live",
    async () => (await service.viewedSchema()) === `${live}_r2`,
    HEAL_TIMEOUT_MS,
  ).catch(tell(running));
  for (const topic of TOPICS) await recorder.waitForIds(topic, ids, HEAL_TIMEOUT_MS);
  await chain.makeDeals();
  await chain.call(chain.payee, first, "approve");
  await chain.makeFinal();
  for (const topic of TOPICS) await recorder.waitForIds(topic, await expectedIds(chain));
  expect(running.output).toContain("the differences are accepted: all of them come from block");
  await allHealed();
  await service.allReceived();
  for (const topic of TOPICS)
    expectMessages(recorder.on(topic), await expectedMessages(chain, topic));
}, 900_000);

test("While the indexer runs, the witness alone finds an event that is missing and one that never was: the final topic waits right before them, the service heals by itself, and the topic goes on in chain order with nothing twice [G-22] [G-23]", async () => {
  const { recorder } = service;
  const live = await service.viewedSchema();
  const escrow = await chain.create("B");
  const before = await expectedIds(chain);
  await chain.call(chain.payer, escrow, "approve");
  await chain.makeDeals();
  const ids = await expectedIds(chain);
  const [missing = "", last = ""] = [ids[before.length], ids.at(-1)];
  await recorder.waitForIds(LATEST_TOPIC, ids);
  // Nobody asks again for blocks that are indexed, and no look at the start finds either of them.
  const phantom = await invent(live, last);
  await recorder.waitForIds(LATEST_TOPIC, [phantom]);
  for (const [table, column] of [
    ["event", "id"],
    ["outbox", "event_id"],
  ])
    await behindTheEngine(`delete from ${live}.${table} where ${column} = '${missing}'`);

  await chain.makeFinal();
  await waitUntil("both are named", async () => {
    const named = (await findings()).map(({ kind, event_id }) => `${kind} ${event_id}`);
    return named.includes(`hole ${missing}`) && named.includes(`phantom ${phantom}`);
  }).catch(tell(running));
  await recorder.waitForIds(FINAL_TOPIC, before);
  expect(recorder.idsOn(FINAL_TOPIC).toSorted()).toEqual(before.toSorted());
  const next = `${live.replace(/_r\d+$/, "")}_r${Number(/_r(\d+)$/.exec(live)?.[1]) + 1}`;
  await waitUntil(
    "the next deployment is live",
    async () => (await service.viewedSchema()) === next,
    HEAL_TIMEOUT_MS,
  ).catch(tell(running));
  await recorder.waitForIds(FINAL_TOPIC, ids, HEAL_TIMEOUT_MS);
  await chain.makeDeals();
  await chain.makeFinal();
  for (const topic of TOPICS) await recorder.waitForIds(topic, await expectedIds(chain));
  await waitUntil("what never was is retracted", () => about(phantom).length === 2);
  await allHealed();
  expect(await running.stop()).toEqual({ code: 0, signal: null });
  await service.allReceived();
  expect(about(phantom).map(({ attributes }) => attributes.retracts ?? "")).toEqual(["", phantom]);
  const told = recorder.on(LATEST_TOPIC).filter((each) => !about(phantom).includes(each));
  expectMessages(told, await expectedMessages(chain, LATEST_TOPIC));
  expectMessages(recorder.on(FINAL_TOPIC), await expectedMessages(chain, FINAL_TOPIC));
}, 900_000);

async function allHealed(): Promise<void> {
  await waitUntil(
    "everything is healed",
    async () => {
      const left = await world.query(service.databaseUrl, "select from escrow._cache_repair");
      return left.length === 0 && (await findings()).length === 0;
    },
    HEAL_TIMEOUT_MS,
  ).catch(tell(running));
}

/** Messages of an event, and its retraction. */
function about(id: string) {
  return service.recorder
    .on(LATEST_TOPIC)
    .filter(({ attributes }) => [attributes.event_id, attributes.retracts].includes(id));
}

/** A change that the engine's triggers do not see: they need tables of the engine's sessions. */
async function behindTheEngine(sql: string): Promise<void> {
  await world.query(service.databaseUrl, `set session_replication_role = replica; ${sql}`);
}

/** Puts an event of the same block behind another one, as if it had been indexed. @returns its id */
async function invent(deployment: string, like: string): Promise<string> {
  const logIndex = 999;
  const id = like.replace(/\d+$/, String(logIndex));
  const position = `left(position, 59) || lpad('${logIndex}', 16, '0')`;
  const rows = {
    event: `jsonb_build_object('id', '${id}', 'log_index', ${logIndex}, 'position', ${position},
              'stream_version', stream_version + 1)`,
    outbox: `jsonb_build_object('event_id', '${id}', 'position', ${position},
               'body', replace(body, '${like}', '${id}'),
               'attributes', replace(attributes, '${like}', '${id}'))`,
  };
  for (const [table, changed] of Object.entries(rows))
    await behindTheEngine(
      `insert into ${deployment}.${table}
       select (jsonb_populate_record(o, ${changed})).* from ${deployment}.${table} o
       where o.${table === "event" ? "id" : "event_id"} = '${like}'`,
    );
  return id;
}

/** With the gate of what is verified. */
function start(other: ServiceOptions = {}): ServiceProcess {
  return service.start({ ...other, env: { ...other.env, FINAL_REQUIRES: "verified" } });
}

/** What the witness found and is not healed. */
function findings(): Promise<{ kind: string; event_id: string }[]> {
  return world.query(
    service.databaseUrl,
    "select kind, event_id from witness.finding where healed_at is null",
  );
}

function tell(running: ServiceProcess): (error: unknown) => never {
  return (error) => {
    throw new Error(running.output.slice(-5_000), { cause: error });
  };
}

/** As an interval's transaction that was retried left the cache. */
async function forget(escrows: string[]): Promise<void> {
  const addresses = escrows.map(lower);
  for (const table of ["factory_addresses", "logs"])
    await world.query(
      service.databaseUrl,
      `delete from ponder_sync.${table} where address = any ($1)`,
      [addresses],
    );
}

/** A copy of this build whose indexer believes its cache. */
function olderProject(): string {
  const root = join(world.folder, "older");
  copyProject(root);
  const path = join(root, "engine/preflight/prepare-cache.ts");
  const source = readFileSync(path, "utf8");
  const changed = source.replace(/^.*await orderForForgotten\(.*$/m, "");
  expect(changed).not.toBe(source);
  writeFileSync(path, changed);
  return root;
}

function lower(address: string): string {
  return address.toLowerCase();
}
