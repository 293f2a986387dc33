import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { compareDeployments } from "../../proof/replay/compare.ts";
import { isAccepted } from "../../proof/replay/is-accepted.ts";
import { AccountDeployment } from "../support/account-deployment.ts";
import { RelayWorld } from "../support/relay-world.ts";
import { StandInDeployment } from "../support/stand-in-deployment.ts";
import { FORK_HASHES, historyWithFork, PROGRESS } from "../verify/verified-history.ts";

const world = new RelayWorld();
beforeAll(() => world.start());
afterAll(() => world.stop());

type ToBlocks = Record<number, number>;

let url: string;
let pool: pg.Pool;
let live: AccountDeployment;
let replayed: AccountDeployment;
beforeEach(async () => {
  const made = await world.database();
  url = made.url;
  pool = made.pool;
  live = await AccountDeployment.create(made.pool, "live");
  replayed = await AccountDeployment.create(made.pool, "replayed");
  for (const each of [live, replayed]) await each.set("unchanged", "5");
});

async function compare(limit = 20, [left, right] = ["live", "replayed"], toBlocks?: ToBlocks) {
  const open = async (): Promise<pg.Client> => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    return client;
  };
  return await compareDeployments(open, left, right, { toBlocks: toBlocks ?? null, limit });
}

describe("the comparison of two deployments", () => {
  test("looks at the live one as it was at the replayed one's final block, however far it has gone on", async () => {
    await live.moveTo({ latest: 20, finalized: 8 });
    await replayed.moveTo({ latest: 10, finalized: 10 });
    await replayed.set("changed", "1");
    await replayed.set("changed twice", "1");
    await replayed.set("deleted", "1");
    for (const name of ["changed", "changed twice", "deleted"]) await live.set(name, "0");
    await live.change(9, "changed", "1");
    await live.change(10, "changed twice", "1");
    await live.change(10, "deleted", "1");
    await live.change(11, "changed", "2");
    await live.change(12, "changed twice", "2");
    await live.change(13, "changed twice", "3");
    await live.change(14, "deleted", null);
    await live.change(15, "new", "1");
    await live.change(16, "new", "2");
    await live.change(17, "come and gone", "1");
    await live.change(18, "come and gone", null);
    expect(await compare()).toMatchObject({
      blocks: { 7: 10 },
      tables: [{ name: "account", rows: 4, differences: 0 }],
      total: 0,
    });
  });

  test("names the rows that only one has or that differ, digit by digit, up to a limit", async () => {
    for (const each of [live, replayed]) await each.moveTo({ latest: 10, finalized: 10 });
    await live.set("a", "1");
    await replayed.set("b", "1");
    await live.set("c", "90071992547409931", { a: 1 });
    await replayed.set("c", "90071992547409932", { a: 1 });
    const found = await compare();
    expect(found?.total).toBe(3);
    expect(found?.samples).toEqual([
      { table: "account", key: { chain_id: "7", name: "a" }, kind: "extra", columns: {} },
      { table: "account", key: { chain_id: "7", name: "b" }, kind: "missing", columns: {} },
      {
        table: "account",
        key: { chain_id: "7", name: "c" },
        kind: "differing",
        columns: { amount: { live: "90071992547409931", replayed: "90071992547409932" } },
      },
    ]);
    const limited = await compare(1);
    expect(limited?.samples).toHaveLength(1);
    expect(limited?.total).toBe(3);
  });

  test("waits while one of them has not reached the other one's final block", async () => {
    await live.moveTo({ latest: 9, finalized: 5 });
    await replayed.moveTo({ latest: 10, finalized: 10 });
    expect(await compare()).toBeNull();
    await live.moveTo({ latest: 10, finalized: 5 });
    expect((await compare())?.total).toBe(0);
  });

  test("up to any block, finds nothing between a history and its beginning, and a row that was tampered with", async () => {
    const history = historyWithFork(FORK_HASHES.first);
    const [whole, beginning] = await twoHistories();
    await whole.holds(history, PROGRESS);
    const chainIds = [...new Set(history.map(({ chainId }) => chainId))];
    const blocks = [...new Set(history.map(({ blockNumber }) => blockNumber))].sort(
      (a, b) => a - b,
    );
    let compared = 0;
    for (const block of blocks) {
      await beginning.holds(
        history.filter(({ blockNumber }) => blockNumber <= block),
        PROGRESS,
      );
      const toBlocks = Object.fromEntries(chainIds.map((chainId) => [chainId, block]));
      const found = await compare(20, ["whole", "beginning"], toBlocks);
      expect(found?.samples, `block ${block}`).toEqual([]);
      compared += found?.tables.reduce((sum, { rows }) => sum + rows, 0) ?? 0;
      await pool.query(`update whole.event set payload = '{}' where block_number = ${blocks[0]}`);
      expect((await compare(20, ["whole", "beginning"], toBlocks))?.samples).toContainEqual(
        expect.objectContaining({ table: "event", kind: "differing" }),
      );
      await whole.holds(history, PROGRESS);
    }
    expect(compared).toBeGreaterThan(10 * history.length);
  });

  test("up to a block, finds a settled escrow, a party's totals and a minute that were changed", async () => {
    const history = historyWithFork(FORK_HASHES.first);
    const [whole, beginning] = await twoHistories();
    for (const each of [whole, beginning]) await each.holds(history, PROGRESS);
    const last = Math.max(...history.map(({ blockNumber }) => blockNumber));
    const toBlocks = Object.fromEntries(history.map(({ chainId }) => [chainId, last]));
    await pool.query(`
      update whole.escrow set amount = amount + 1;
      update whole.party set payer_open_count = payer_open_count + 1;
      update whole.settlement_minute set deployed_count = deployed_count + 1;
      update whole.chain_stat set events = events + 1;`);
    const found = await compare(1, ["whole", "beginning"], toBlocks);
    expect(found?.tables.filter(({ differences }) => differences > 0)).toEqual(
      ["escrow", "party", "settlement_minute", "chain_stat"].map((name) => {
        const rows = found?.tables.find((table) => table.name === name)?.rows;
        return { name, rows, differences: name === "escrow" ? expect.any(Number) : rows };
      }),
    );
    expect(found?.notCompared).toEqual([]);
  });
});

describe("differences from a block on", () => {
  test("are accepted when an event from there on is missing, and refused when an older row differs", async () => {
    const history = historyWithFork(FORK_HASHES.first);
    const [whole, holed] = await twoHistories("holed");
    await whole.holds(history, PROGRESS);
    const missing = history.find(({ type }) => type === "EscrowReleased");
    await holed.holds(
      history.filter((each) => each !== missing),
      PROGRESS,
    );
    const { chainId = 0, blockNumber = 0 } = missing ?? {};
    expect(await accepts({ [chainId]: blockNumber })).toBe(true);
    expect(await accepts({ [chainId]: blockNumber + 1 })).toBe(false);
    const [first] = history.filter((each) => each.chainId === chainId);
    await pool.query("update holed.event set payload = '{}' where id = $1", [first?.id]);
    expect(await accepts({ [chainId]: blockNumber })).toBe(false);
  });
});

async function accepts(acceptsFrom: ToBlocks): Promise<boolean> {
  const blocks = Object.fromEntries(PROGRESS.map(({ chainId, finalized }) => [chainId, finalized]));
  return await isAccepted(
    { live: "holed", schema: "whole" },
    { blocks, tables: [], notCompared: [], samples: [], total: 1 },
    {
      graceMs: 0,
      isDryRun: false,
      acceptsDifferences: false,
      acceptsFrom,
      toBlocks: null,
      limit: 20,
    },
    { databaseUrl: url, output: { say: () => undefined, progress: () => undefined } },
  );
}

async function twoHistories(name = "beginning"): Promise<[StandInDeployment, StandInDeployment]> {
  const whole = await StandInDeployment.create(pool, "whole");
  await pool.query("drop schema escrow cascade");
  const beginning = await StandInDeployment.create(pool, name);
  const names = ["event", "outbox", "escrow", "approval", "settlement", "party"];
  const tables = JSON.stringify([...names, "settlement_minute", "chain_stat"]);
  for (const { schema } of [whole, beginning])
    await pool.query(
      `update ${schema}._ponder_meta set value = value || jsonb_build_object('table_names', $1::jsonb)`,
      [tables],
    );
  return [whole, beginning];
}
