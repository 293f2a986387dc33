import { setTimeout } from "node:timers/promises";
import { sql } from "kysely";
import pg from "pg";
import {
  afterAll,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
  vi,
} from "vitest";
import { ConsistentReads } from "../../apps/api/read/consistent-reads.ts";
import { DatabaseWatch } from "../../apps/api/read/database-watch.ts";
import { FairQueue } from "../../apps/api/read/fair-queue.ts";
import { rowsState } from "../../apps/api/read/progress.ts";
import { openReadPool } from "../../apps/api/read/read-pool.ts";
import { SharedAnswers } from "../../apps/api/read/shared-answers.ts";
import {
  ensureProgressView,
  noteCaughtUp,
  noteEngineStart,
} from "../../engine/ensure-progress-view.ts";
import { manyDeals } from "../support/many-deals.ts";
import { RelayWorld } from "../support/relay-world.ts";
import { StandInDeployment } from "../support/stand-in-deployment.ts";
import { waitUntil } from "../support/wait-until.ts";

/* How the API reads. The engine's part is played by hand. */

const CHAIN = 41_021;
const DEALS = manyDeals(CHAIN, 20);

const world = new RelayWorld();
beforeAll(() => world.start());
afterAll(() => world.stop());

let owner: pg.Client;
let pool: pg.Pool;
let deployment: StandInDeployment;
let watch: DatabaseWatch;
beforeEach(async () => {
  const database = await world.database();
  owner = new pg.Client({ connectionString: database.url });
  await owner.connect();
  await ensureProgressView(owner);
  deployment = await StandInDeployment.create(database.pool);
  await indexed(20);
  pool = openReadPool({ databaseUrl: database.url, connections: 3, statementTimeoutMs: 50_000 });
  watch = new DatabaseWatch({ pool, log: { info: quiet, warn: quiet, error: quiet } });
  onTestFinished(async () => {
    await pool.end();
    await owner.end();
  });
});

describe("Consistent reads", () => {
  test("see one state of the database, and say how far it is, whatever is written meanwhile", async () => {
    const reads = makeReads();
    let block = 20;
    const result = await reads.run(asker(), async ({ db, progress }) => {
      const before = await countEvents(db);
      block += 5;
      await indexed(block);
      return { before, after: await countEvents(db), block: progress.chains[0]?.indexed.block };
    });
    expect(result.answer.after).toBe(result.answer.before);
    // Begun again, because what was written in between could be seen.
    expect({ block, seen: result.answer.block }).toEqual({ block: 30, seen: 25 });
    expect((await escrows(reads)).block).toBe(30);
  });

  test("share one look between all who ask while another is under way, each after they came", async () => {
    const reads = makeReads();
    await escrows(reads);
    const statements = await countStatements(() =>
      Promise.all(Array.from({ length: 50 }, () => reads.look(asker()))),
    );
    expect(statements).toBeLessThanOrEqual(2);
    await indexed(21);
    const { progress } = await reads.look(asker());
    expect(progress.chains[0]?.indexed.block).toBe(21);
  });

  test("hold an answer back until the engine has indexed again what it reverted [G-15]", async () => {
    const reads = makeReads();
    const before = await escrows(reads);
    await restart();
    const answer = escrows(reads);
    await setTimeout(150);
    await indexed(22);
    await noteCaughtUp(owner, deployment.schema);
    expect((await answer).escrows).toBeGreaterThanOrEqual(before.escrows);
    expect((await answer).block).toBe(22);
  });

  test("are refused when that takes too long [G-15]", async () => {
    const reads = makeReads({ holdMs: 200 });
    await escrows(reads);
    await restart();
    await expect(escrows(reads)).rejects.toMatchObject({ code: "ES-CATCHING-UP", status: 503 });
  });

  test("accept what stays behind after a restart: the chain went back meanwhile", async () => {
    const reads = makeReads({ acceptAfterMs: 100 });
    await escrows(reads);
    await restart();
    expect((await escrows(reads)).block).toBe(3);
  });

  test("show what a reorg leaves at once, once the engine has caught up", async () => {
    const reads = makeReads();
    await escrows(reads);
    await indexed(18);
    expect((await escrows(reads)).block).toBe(18);
  });

  test("wait for views that are being replaced, and follow them", async () => {
    const reads = makeReads();
    await escrows(reads);
    await owner.query("begin; lock table escrow.escrow in access exclusive mode");
    const answer = escrows(reads);
    await waitUntil("a reader waits", async () => {
      const { rows } = await owner.query("select 1 from pg_locks where not granted");
      return rows.length > 0;
    });
    await setTimeout(700);
    await owner.query(
      `drop view escrow.escrow; create view escrow.escrow as select * from ${deployment.schema}.escrow where false; commit`,
    );
    expect((await answer).escrows).toBe(0);
  });

  test("write nothing, and go on after a statement that failed", async () => {
    const reads = makeReads();
    const write = reads.run(asker(), ({ db }) => sql`create table x ()`.execute(db));
    await expect(write).rejects.toMatchObject({ code: "25006" });
    expect((await escrows(reads)).escrows).toBeGreaterThan(0);
  });

  test("end in the database when the client leaves", async () => {
    const reads = makeReads();
    const gone = new AbortController();
    const answer = reads.run({ client: "a", signal: gone.signal }, ({ db }) =>
      sql`select pg_sleep(60)`.execute(db),
    );
    const sleepers = async () =>
      (await owner.query("select from pg_stat_activity where wait_event = 'PgSleep'")).rowCount;
    await waitUntil("the query runs", async () => (await sleepers()) === 1);
    gone.abort(new Error("left"));
    await expect(answer).rejects.toThrow("left");
    await waitUntil("the query is gone", async () => (await sleepers()) === 0);
    expect((await escrows(reads)).escrows).toBeGreaterThan(0);
  });

  test("give the connection back when the client left before they began", async () => {
    const reads = makeReads();
    for (let at = 0; at < 10; at += 1) {
      const gone = new AbortController();
      const answer = reads.run({ client: "a", signal: gone.signal }, async () => undefined);
      gone.abort(new Error("left"));
      await expect(answer).rejects.toThrow("left");
    }
    expect((await escrows(reads)).escrows).toBeGreaterThan(0);
  });

  test("cannot be used when they are over", async () => {
    const reads = makeReads();
    const { answer: db } = await reads.run(asker(), async (snapshot) => snapshot.db);
    await expect(count(db)).rejects.toThrow("has ended");
  });

  test("give all who ask the same one answer while nothing changes, and another one afterwards", async () => {
    const answers = new SharedAnswers(makeReads(), 1_000);
    let made = 0;
    const ask = async (name = "how many") => {
      const { answer, progress } = await answers.answer(
        asker(),
        { name, stateOf: rowsState },
        async ({ db }) => {
          made += 1;
          return String(await countEvents(db));
        },
      );
      return { answer, block: progress.chains[0]?.indexed.block };
    };
    const [first, ...others] = await Promise.all(Array.from({ length: 20 }, () => ask()));
    for (const other of others) expect(other).toEqual(first);
    expect({ first: await ask(), made }).toEqual({ first, made: 1 });
    await indexed(25);
    const then = await ask();
    expect({ block: then.block, made }).toEqual({ block: 25, made: 2 });
    expect(Number(then.answer)).toBeGreaterThan(Number(first?.answer));
    for (let at = 0; at < 100; at += 1) await ask(`what fills it ${at}`);
    await ask();
    expect(made).toBe(103);
  });

  test("keep an answer from the second time on that it is asked for: most are asked for once", async () => {
    const answers = new SharedAnswers(makeReads(), 1_000);
    let made = 0;
    const ask = () =>
      answers.answer(asker(), { name: "once more", stateOf: rowsState }, async () => {
        made += 1;
        return "x".repeat(900);
      });
    for (const expected of [1, 2, 2, 2]) {
      expect((await ask()).answer).toHaveLength(900);
      expect(made).toBe(expected);
    }
  });

  test("make an answer again for who shared it, when the one for whom it was made has left", async () => {
    const answers = new SharedAnswers(makeReads(), 1_000);
    const gone = new AbortController();
    const asked = { name: "slow", stateOf: rowsState };
    const first = answers.answer({ client: "a", signal: gone.signal }, asked, async ({ db }) => {
      await sql`select pg_sleep(60)`.execute(db);
      return "first";
    });
    first.catch(() => undefined);
    const sleepers = async () =>
      (await owner.query("select from pg_stat_activity where wait_event = 'PgSleep'")).rowCount;
    await waitUntil("it is being made", async () => (await sleepers()) === 1);
    const second = answers.answer(asker(), asked, async () => "second");
    gone.abort(new Error("left"));
    await expect(first).rejects.toThrow("left");
    expect((await second).answer).toBe("second");
  });

  test("say what was verified, and null where nothing was", async () => {
    const reads = makeReads();
    const verified = async () => {
      await watch.look();
      return (await reads.run(asker(), async ({ progress }) => progress)).answer.chains[0]
        ?.verified;
    };
    expect(await verified()).toBeNull();
    await owner.query(`
      create schema witness;
      create table witness.verified (
        deployment text, chain_id bigint, through_block bigint not null, through_hash text,
        basis text not null, verified_at timestamptz, primary key (deployment, chain_id));
      insert into witness.verified values
        ('${deployment.schema}', ${CHAIN}, 17, '0x', 'proof', to_timestamp(1700000000)),
        ('escrow_other', ${CHAIN}, 99, '0x', 'proof', now())`);
    expect(await verified()).toEqual({ block: 17, at: 1_700_000_000 });
    await owner.query("drop view escrow.chain_verified");
    expect(await verified()).toBeNull();
  });
});

function makeReads({ holdMs = 10_000, acceptAfterMs = 60_000 } = {}): ConsistentReads {
  const queue = new FairQueue({ atOnce: 2, waiting: 10, waitingPerClient: 10, longestMs: 5_000 });
  return new ConsistentReads({ pool, queue, watch, holdMs, acceptAfterMs });
}

/** How often the database is asked how far the index is meanwhile. */
async function countStatements(work: () => Promise<unknown>): Promise<number> {
  const query = vi.spyOn(pool, "query");
  await work();
  const asked = query.mock.calls.length;
  query.mockRestore();
  return asked;
}

function asker() {
  return { client: "a", signal: new AbortController().signal };
}

async function escrows(reads: ConsistentReads): Promise<{ escrows: number; block: number }> {
  const { answer, progress } = await reads.run(asker(), ({ db }) => count(db));
  return { escrows: answer, block: progress.chains[0]?.indexed.block ?? -1 };
}

type Db = Parameters<Parameters<ConsistentReads["run"]>[1]>[0]["db"];

async function count(db: Db): Promise<number> {
  const { rows } = await sql<{ n: number }>`select count(*) as n from escrow.escrow`.execute(db);
  return rows[0]?.n ?? -1;
}

async function countEvents(db: Db): Promise<number> {
  const { rows } = await sql<{ n: number }>`select count(*) as n from escrow.event`.execute(db);
  return rows[0]?.n ?? -1;
}

/** Everything up to a block is indexed. */
async function indexed(block: number): Promise<void> {
  await deployment.holds(
    DEALS.filter(({ blockNumber }) => blockNumber <= block),
    [{ chainId: CHAIN, latest: block, finalized: 3 }],
  );
}

/** The engine is started again: what is not final is reverted, and indexed again from there. */
async function restart(): Promise<void> {
  await noteEngineStart(owner, deployment.schema, { isCaughtUp: false });
  await indexed(3);
}

function quiet(): void {}
