import fc from "fast-check";
import { sql } from "kysely";
import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ConfigError } from "../../config/config-error.ts";
import { FrozenDatabase } from "../../db/frozen-database.ts";
import { Findings } from "../../proof/verify/findings.ts";
import { rebuildProjections } from "../../proof/verify/rebuild-projections.ts";
import { KEPT_SCHEMA, takeKeptSchema } from "../../proof/verify/shadow-schema.ts";
import { verifyStore } from "../../proof/verify/verify-store.ts";
import type { EscrowEvent } from "../../src/events/escrow-event.ts";
import { arbitraryHistory } from "../support/arbitrary-history.ts";
import { ONE_ETHER, PAYER } from "../support/given-events.ts";
import { type ChainProgress, StandInDeployment } from "../support/stand-in-deployment.ts";
import { TestWorld } from "../support/test-world.ts";
import {
  FORK_HASHES,
  historyWithFork,
  OPEN,
  PROGRESS,
  REFUNDED,
} from "../verify/verified-history.ts";

let world: TestWorld;
beforeAll(async () => {
  world = await TestWorld.create();
});
afterEach(() => world.endTest());
afterAll(() => world.end());

const HISTORY = historyWithFork(FORK_HASHES.first);

async function install(
  events: EscrowEvent[] = HISTORY,
  progress: ChainProgress[] = PROGRESS,
  schema?: string,
): Promise<{ url: string; pool: pg.Pool }> {
  const url = await world.createDatabase();
  const pool = new pg.Pool({ connectionString: url });
  pool.on("error", () => undefined);
  world.ends({ stop: () => pool.end() });
  const deployment = await StandInDeployment.create(pool, schema);
  await deployment.holds(events, progress);
  return { url, pool };
}

function rebuild(
  databaseUrl: string,
  options: { projection?: string; keep?: boolean; pageRows?: number } = {},
) {
  return rebuildProjections({
    databaseUrl,
    projection: "all",
    limit: 2,
    keep: false,
    onProgress: () => undefined,
    ...options,
  });
}

async function schemas(pool: pg.Pool): Promise<string[]> {
  const { rows } = await pool.query("select nspname from pg_namespace where nspname !~ '^pg_'");
  return rows.map(({ nspname }) => nspname);
}

describe("a rebuild", () => {
  test("finds every read model equal to its fold, and leaves nothing behind", async () => {
    const { url, pool } = await install();
    const { events, comparisons } = await rebuild(url);
    expect(events).toBe(HISTORY.length);
    expect(comparisons.map(({ projection, differing }) => [projection, differing])).toEqual([
      ["escrow", 0],
      ["approval", 0],
      ["settlement", 0],
      ["party", 0],
      ["settlement_minute", 0],
      ["chain_stat", 0],
    ]);
    expect(await schemas(pool)).not.toContain(KEPT_SCHEMA);
  });

  test("gives what folding at once gives, wherever a page of any history ends", async () => {
    const url = await world.createDatabase();
    const pool = new pg.Pool({ connectionString: url });
    pool.on("error", () => undefined);
    world.ends({ stop: () => pool.end() });
    const deployment = await StandInDeployment.create(pool);
    await fc.assert(
      fc.asyncProperty(
        arbitraryHistory,
        fc.integer({ min: 1, max: 4 }),
        async (events, pageRows) => {
          await deployment.holds(events, PROGRESS);
          const { comparisons, findings } = await rebuild(url, { pageRows });
          expect(findings.list()).toEqual([]);
          expect(comparisons.flatMap(({ differences }) => differences)).toEqual([]);
        },
      ),
      { numRuns: 8 },
    );
  });

  test("shows what differs row by row and column by column, up to the limit", async () => {
    const { url, pool } = await install();
    await pool.query("update escrow.party set payer_open_amount = payer_open_amount + 1");
    const { comparisons } = await rebuild(url, { projection: "party" });
    expect(comparisons).toHaveLength(1);
    const [party] = comparisons;
    expect(party).toMatchObject({ projection: "party", rows: 7, differing: 7 });
    expect(party?.differences).toHaveLength(2);
    expect(party?.differences[0]).toEqual({
      projection: "party",
      key: `1:${PAYER}`,
      kind: "changed",
      columns: [
        {
          column: "payer_open_amount",
          stored: String(3n * ONE_ETHER + 1n),
          folded: String(3n * ONE_ETHER),
        },
      ],
    });
  });

  test("names rows that only one side has", async () => {
    const { url, pool } = await install();
    await pool.query(`update escrow.settlement set escrow = $1 where escrow = $2`, [
      OPEN,
      REFUNDED,
    ]);
    const { comparisons } = await rebuild(url, { projection: "settlement" });
    expect(comparisons[0]?.differences.map(({ kind, key }) => [kind, key])).toEqual([
      ["missing", `1:${REFUNDED}`],
      ["extra", `1:${OPEN}`],
    ]);
  });

  test("keeps the folded tables when asked, in place of the last ones", async () => {
    const { url, pool } = await install();
    await rebuild(url, { keep: true, projection: "party" });
    await pool.query(`update ${KEPT_SCHEMA}.party set payer_open_count = 77`);
    const { keptIn } = await rebuild(url, { keep: true });
    expect(keptIn).toBe(KEPT_SCHEMA);
    const { rows } = await pool.query(
      `select count(*)::int as differing from ${KEPT_SCHEMA}.party f
       full join escrow.party s using (chain_id, address)
       where (s.*) is distinct from (f.*)`,
    );
    expect(rows).toEqual([{ differing: 0 }]);
  });

  test("keeps nothing half-done when its session is killed, and one at a time writes", async () => {
    const { url, pool } = await install();
    const database = await FrozenDatabase.open(url);
    await takeKeptSchema(database);
    await expect(rebuild(url, { keep: true })).rejects.toThrow(/another rebuild is writing/);
    await pool.query(
      "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())",
    );
    await database.close({ keep: true }).catch(() => undefined);
    expect(await schemas(pool)).not.toContain(KEPT_SCHEMA);
    expect((await rebuild(url, { keep: true })).keptIn).toBe(KEPT_SCHEMA);
  });

  test("says which projections and deployments there are, and where there are none", async () => {
    const { url } = await install();
    await expect(rebuild(url, { projection: "partys" })).rejects.toThrow(/none of all, escrow, /);
    const options = { databaseUrl: url, projection: "all", limit: 1, keep: false };
    await expect(
      rebuildProjections({ ...options, schema: "escrow_0", onProgress: () => undefined }),
    ).rejects.toThrow(/"escrow_0"; there are: escrow_standin/);
    const empty = rebuild(await world.createDatabase());
    await expect(empty).rejects.toThrow(/start the indexer/);
    await expect(empty).rejects.toSatisfy((error: ConfigError) => error.mayPass);
  });
});

describe("a frozen database", () => {
  test("shows nothing of what is written meanwhile", async () => {
    const { url, pool } = await install();
    const database = await FrozenDatabase.open(url);
    const count = sql<{ count: string }>`select count(*) from escrow.event`;
    expect(await database.read(count)).toEqual([{ count: String(HISTORY.length) }]);
    await pool.query("delete from escrow.event");
    expect(await database.read(count)).toEqual([{ count: String(HISTORY.length) }]);
    await database.close({ keep: false });
  });

  test("holds no lock that the engine would wait for", async () => {
    const { url, pool } = await install();
    const database = await FrozenDatabase.open(url);
    await database.read(sql`select count(*) from escrow.event`);
    await pool.query(
      `begin; lock table escrow_standin.event in access exclusive mode nowait; rollback`,
    );
    expect(await database.read(sql<{ one: number }>`select 1 as one`)).toEqual([{ one: 1 }]);
    await database.close({ keep: false });
  });
});

describe("the hash of a state", () => {
  const BLOCKS = new Map([
    [1, 400],
    [10, 60],
  ]);

  async function hashes(url: string): Promise<string[]> {
    const options = { databaseUrl: url, blocks: BLOCKS, onProgress: () => undefined };
    const { states } = await verifyStore(options, new Findings(1));
    return states.map(({ chainId, projection, hash }) => `${chainId} ${projection} ${hash}`);
  }

  test("is the same in two installations, however far they are and whatever else they follow", async () => {
    const one = await install();
    const other = await install(
      HISTORY.filter(({ chainId, blockNumber }) => chainId === 10 || blockNumber <= 450),
      [
        { chainId: 1, latest: 460, finalized: 410 },
        { chainId: 10, latest: 2_000, finalized: 1_900 },
      ],
      "escrow_other",
    );
    const wanted = await hashes(one.url);
    expect(wanted).toHaveLength(14);
    expect(await hashes(other.url)).toEqual(wanted);
    // What is compared between versions of this program must not change by accident.
    expect(wanted.find((line) => line.startsWith("10 escrow"))).toBe(
      "10 escrow dc7e4e365bd7030732000c2e1ebebeac2a9b5fbcd551307608c87d03e7fda314",
    );
  });

  test("is another one when an event says something else", async () => {
    const one = await install();
    const other = await install(
      HISTORY.map((event) =>
        event.type === "EscrowCreated" && event.stream === OPEN
          ? { ...event, payload: { ...event.payload, amount: "7" } }
          : event,
      ),
    );
    const [mine, theirs] = [await hashes(one.url), await hashes(other.url)];
    const differing = mine.filter((line) => !theirs.includes(line));
    expect(differing.map((line) => line.split(" ").slice(0, 2).join(" "))).toEqual([
      "1 event",
      "1 escrow",
      "1 party",
      "1 settlement_minute",
      "1 chain_stat",
    ]);
  });

  test("is not made of a block that is not indexed yet", async () => {
    const { url } = await install();
    const verifying = verifyStore(
      { databaseUrl: url, blocks: new Map([[10, 101]]), onProgress: () => undefined },
      new Findings(1),
    );
    await expect(verifying).rejects.toThrow(/indexed up to block 100, and not up to 101/);
    await expect(verifying).rejects.toBeInstanceOf(ConfigError);
  });
});
