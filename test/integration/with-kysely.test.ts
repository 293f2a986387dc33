import { sql } from "kysely";
import { afterAll, beforeAll, expect, test } from "vitest";
import { withKysely } from "../../db/with-kysely.ts";
import { RelayWorld } from "../support/relay-world.ts";

const world = new RelayWorld();
beforeAll(() => world.start());
afterAll(() => world.stop());

test("A command survives a connection that is lost while it reads elsewhere", async () => {
  const { url, pool } = await world.database();
  const answers = await withKysely(url, async (db) => {
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db);
    await pool.query("select pg_terminate_backend($1, 5000)", [rows[0]?.pid]);
    const again = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db);
    return [rows[0]?.pid, again.rows[0]?.pid];
  });
  expect(answers[0]).not.toBe(answers[1]);
});
