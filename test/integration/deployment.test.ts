import pg from "pg";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { FrozenDatabase } from "../../db/frozen-database.ts";
import { endOfBlock, formatCheckpoint, parseCheckpoint } from "../../engine/checkpoint.ts";
import { findDeployment } from "../../engine/deployment/find-deployment.ts";
import { AuditedStore } from "../../proof/audit/audited-store.ts";
import { StandInDeployment } from "../support/stand-in-deployment.ts";
import { TestWorld } from "../support/test-world.ts";

const CHAIN = 7;

let world: TestWorld;
beforeAll(async () => {
  world = await TestWorld.create();
});
afterEach(() => world.endTest());
afterAll(() => world.end());

test("the last indexed block is one that is wholly there, also before the first batch of a backfill and after a crash", async () => {
  const url = await world.createDatabase();
  const pool = new pg.Pool({ connectionString: url });
  // The database may go before the last connection has.
  pool.on("error", () => undefined);
  world.ends({ stop: () => pool.end() });
  const { schema } = await StandInDeployment.create(pool);
  const state = async (
    isReady: 0 | 1,
    latest: string,
    finalized: string,
    safe = finalized,
  ): Promise<object> => {
    await pool.query(`delete from ${schema}._ponder_checkpoint`);
    await pool.query(
      `insert into ${schema}._ponder_checkpoint
         (chain_name, chain_id, safe_checkpoint, latest_checkpoint, finalized_checkpoint)
       values ('seven', $1, $4, $2, $3)`,
      [CHAIN, latest, finalized, safe],
    );
    await pool.query(
      `update ${schema}._ponder_meta set value = jsonb_set(value, '{is_ready}', $1)`,
      [String(isReady)],
    );
    const database = await FrozenDatabase.open(url);
    const { chains } = await findDeployment(database);
    await database.close({ keep: false });
    const audited = await AuditedStore.open(url);
    const auditedTo = (await audited.finalBlocks()).get(CHAIN);
    await audited.close();
    return { ...chains[0], auditedTo };
  };
  const live = { indexedBlock: 12, finalBlock: 8, auditedTo: 8 };
  expect(await state(1, endOf(12), endOf(8))).toMatchObject(live);
  const reverted = { indexedBlock: 8, finalBlock: 8, auditedTo: 8 };
  expect(await state(0, endOf(12), endOf(8))).toMatchObject(reverted);
  // Live, another chain's blocks that are not final may lie before some of the final ones.
  expect(await state(1, endOf(12), endOf(8), endOf(6))).toMatchObject(live);
  const revertedBelowFinal = { indexedBlock: 6, finalBlock: 6, auditedTo: 6 };
  expect(await state(0, endOf(12), endOf(8), endOf(6))).toMatchObject(revertedBelowFinal);
  const batch = { indexedBlock: 5, finalBlock: 5, auditedTo: 5 };
  expect(await state(0, endOf(5), endOf(5))).toMatchObject(batch);
  const nothingYet = { indexedBlock: 4, finalBlock: 4, auditedTo: 4 };
  expect(await state(0, beginningOf(5), beginningOf(5))).toMatchObject(nothingYet);
});

function endOf(blockNumber: number): string {
  return endOfBlock({ timestamp: 1_700_000_000n, chainId: CHAIN, blockNumber });
}

/** The engine's checkpoint of a chain of which nothing is indexed yet. */
function beginningOf(block: number): string {
  const nothing = { transactionIndex: 0n, eventType: 0n, eventIndex: 0n };
  return formatCheckpoint({ ...parseCheckpoint(endOf(block)), ...nothing });
}
