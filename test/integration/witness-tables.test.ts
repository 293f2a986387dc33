import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ensureWitnessTables } from "../../engine/witness-tables.ts";
import { RelayWorld } from "../support/relay-world.ts";

const world = new RelayWorld();
beforeAll(() => world.start());
afterAll(() => world.stop());

test("the witness's tables may be made by several processes at once, and again", async () => {
  const { url, pool } = await world.database();
  const makeThem = async () => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await ensureWitnessTables(client).finally(() => client.end());
  };
  await Promise.all([makeThem(), makeThem(), makeThem()]);
  await makeThem();
  const { rows } = await pool.query(
    "select tablename from pg_tables where schemaname = 'witness' order by 1",
  );
  expect(rows.map(({ tablename }) => tablename)).toEqual([
    ...["child", "finding", "lease", "piece", "scope", "verified"],
  ]);
});
