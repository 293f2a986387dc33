import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { chooseDeployment } from "../../engine/deployment/choose-deployment.ts";
import { dropDeployment } from "../../engine/deployment/drop-deployment.ts";
import {
  addGeneration,
  beginHandover,
  ensureGenerations,
  readGenerations,
} from "../../engine/deployment/generation.ts";
import { swapViews } from "../../engine/deployment/swap-views.ts";
import { viewedDeployment } from "../../engine/deployment/viewed-deployment.ts";
import { ensureProgressView } from "../../engine/ensure-progress-view.ts";
import { viewsSql } from "../../engine/ensure-views.ts";
import { removeLeftovers } from "../../proof/replay/remove-leftovers.ts";
import type { ReplayOutput } from "../../proof/replay/replay-output.ts";
import { AccountDeployment } from "../support/account-deployment.ts";
import { RelayWorld } from "../support/relay-world.ts";

const BUILD = "escrow_0123456789ab";

const world = new RelayWorld();
beforeAll(() => world.start());
afterAll(() => world.stop());

let url: string;
let client: pg.Client;
let pool: pg.Pool;
let live: AccountDeployment;
let next: AccountDeployment;
beforeEach(async () => {
  const made = await world.database();
  url = made.url;
  pool = made.pool;
  client = await connect();
  live = await AccountDeployment.create(made.pool, BUILD);
  await live.moveTo({ latest: 10, finalized: 5 });
  await ensureProgressView(client);
  await client.query(viewsSql(BUILD, ["account"]));
  await ensureGenerations(client);
  const { schema } = await addGeneration(client, BUILD);
  next = await AccountDeployment.create(made.pool, schema);
  await next.moveTo({ latest: 10, finalized: 10 });
  await next.set("new", "1");
});

async function connect(): Promise<pg.Client> {
  const one = new pg.Client({ connectionString: url });
  await one.connect();
  onTestFinished(() => one.end());
  return one;
}

/** Swaps as soon as the new deployment is as far; its checkpoints have changed since its start. */
function swap(before = new Map<number, string>()) {
  return swapViews(client, BUILD, next.schema, before);
}

async function states(): Promise<Record<string, string>> {
  const generations = await readGenerations(client);
  return Object.fromEntries(generations.map(({ schema, state }) => [schema, state]));
}

describe("the handover of a replayed deployment", () => {
  test("swaps the views in one transaction, keeps the rights on them, and lets the old one go", async () => {
    await client.query("create role reader");
    onTestFinished(async () => {
      await client.query("drop owned by reader");
      await client.query("drop role reader");
    });
    await client.query("grant select on escrow.account to reader");
    await beginHandover(client, next.schema);
    expect(await swap()).toBe("swapped");
    expect(await viewedDeployment(client)).toBe(next.schema);
    const { rows } = await client.query(
      `select count(*)::int as count, has_table_privilege('reader', 'escrow.account', 'select') as may
       from escrow.account`,
    );
    expect(rows).toEqual([{ count: 1, may: true }]);
    expect(await states()).toEqual({ [BUILD]: "retired", [next.schema]: "live" });
    await expect(dropDeployment(client, next.schema)).rejects.toThrow("The views show");
    expect(await dropDeployment(client, BUILD)).toBe(true);
    expect(await states()).toEqual({ [next.schema]: "live" });
  });

  test("waits while the new one is behind, and while its engine has not moved since its start", async () => {
    await live.moveTo({ latest: 11, finalized: 5 });
    expect(await swap()).toBe("behind");
    const { rows } = await client.query(
      `select xmin::text as version from ${next.schema}._ponder_checkpoint`,
    );
    const before = new Map([[7, rows[0].version]]);
    await live.moveTo({ latest: 9, finalized: 5 });
    expect(await swap(before)).toBe("behind");
    await next.moveTo({ latest: 10, finalized: 10 });
    expect(await swap(before)).toBe("swapped");
  });

  test("lets go of everything at once while a reader holds a view, and never gets a reader killed [G-16]", async () => {
    const reader = await connect();
    await reader.query("begin");
    await reader.query("select from escrow._ponder_checkpoint");
    expect(await swap()).toBe("busy");
    // What a deadlock would need: the reader asks for what the swap takes first.
    const swapping = swap();
    expect((await reader.query("select from escrow.account")).rowCount).toBe(0);
    await swapping;
    await reader.query("commit");
    expect(await swap()).toBe("swapped");
  });

  test("is an order to the indexer, which gives a deployment up that it cannot bring into place", async () => {
    expect((await chooseDeployment(url, BUILD)).schema).toBe(BUILD);
    await beginHandover(client, next.schema);
    for (let start = 1; start <= 5; start++) {
      const order = await chooseDeployment(url, BUILD);
      expect([order.schema, order.takeOver !== null]).toEqual([next.schema, true]);
    }
    const order = await chooseDeployment(url, BUILD);
    expect([order.schema, order.takeOver]).toEqual([BUILD, null]);
    expect(await states()).toEqual({ [next.schema]: "failed" });
  });

  test("is for good: the indexer starts on the new deployment from then on", async () => {
    await beginHandover(client, next.schema);
    await swap();
    const order = await chooseDeployment(url, BUILD);
    expect([order.schema, order.takeOver]).toEqual([next.schema, null]);
    expect((await addGeneration(client, BUILD)).schema).toBe(`${BUILD}_r3`);
  });

  test("that was cut short is cleared up by the next run, which goes on with what was being built", async () => {
    const { rows } = await client.query(
      `insert into escrow._generation (schema, build, number, state) values
         ('${BUILD}_r3', '${BUILD}', 3, 'failed'), ('escrow_other_r2', 'escrow_other', 2, 'building'),
         ('${BUILD}_r4', '${BUILD}', 4, 'retired'), ('${BUILD}_r5', '${BUILD}', 5, 'kept')
       returning schema`,
    );
    for (const { schema } of rows) await AccountDeployment.create(pool, schema);
    const said: string[] = [];
    const output: ReplayOutput = { say: (stage) => said.push(stage), progress: () => undefined };
    const place = { databaseUrl: url, build: BUILD, output };
    const left = await removeLeftovers(client, place, { graceMs: 0 });
    expect(left?.schema).toBe(next.schema);
    expect(said).toEqual(["clear", "clear", "clear"]);
    expect(await states()).toEqual({ [next.schema]: "building", [`${BUILD}_r5`]: "kept" });
    const { rows: schemas } = await client.query(
      "select nspname as name from pg_namespace where nspname like 'escrow\\_%' order by 1",
    );
    expect(schemas.map(({ name }) => name)).toEqual([BUILD, next.schema, `${BUILD}_r5`]);
  });
});
