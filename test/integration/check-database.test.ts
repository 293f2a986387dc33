import { sql } from "kysely";
import type pg from "pg";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { ConfigError } from "../../config/config-error.ts";
import { checkDatabase } from "../../db/check-database.ts";
import { FrozenDatabase } from "../../db/frozen-database.ts";
import { freePort } from "../../local/free-port.ts";
import { RelayWorld } from "../support/relay-world.ts";

const world = new RelayWorld();
beforeAll(() => world.start());
afterAll(() => world.stop());

let url: string;
let pool: pg.Pool;
beforeEach(async () => {
  ({ url, pool } = await world.database());
});

test("A database that answers and lets us create schemas is one to begin with", async () => {
  await checkDatabase(url);
});

test("A database that does not answer may be back soon, and no password is printed", async () => {
  const away = new URL(url);
  away.port = String(await freePort());
  away.password = "secret";
  const [problem] = await problemsOf(away.href);
  expect(problem).toMatchObject({ where: "DATABASE_URL", code: "ES-DATABASE-UNREACHABLE" });
  expect(problem?.what).toContain(":***@");
  expect(problem?.what).not.toContain("secret");
});

test("A database that there is none of, and a text that is no URL, need operator action", async () => {
  const [missing] = await problemsOf(url.replace(/[^/]+$/, "there_is_none"));
  expect(missing?.code).toBe("ES-DATABASE-REFUSED");
  const [noUrl] = await problemsOf("postgres://[");
  expect(noUrl?.code).toBe("ES-DATABASE-REFUSED");
  expect(noUrl?.what).toContain("(not a URL)");
});

test("A user who may not create schemas is told which right is missing", async () => {
  await pool.query("create role may_not_create login password 'x'");
  onTestFinished(async () => {
    await pool.query("drop role may_not_create");
  });
  const poor = new URL(url);
  poor.username = "may_not_create";
  poor.password = "x";
  const [problem] = await problemsOf(poor.href);
  expect(problem).toMatchObject({ code: "ES-DATABASE-REFUSED" });
  expect(problem?.what).toContain("grant create on database");
});

test("A snapshot stands still, its reads leave no locks behind, and what it wrote is kept only when asked", async () => {
  await pool.query("create table account (amount int)");

  for (const keep of [false, true]) {
    const frozen = await FrozenDatabase.open(url);
    expect(await frozen.read(sql`select * from account`)).toEqual([]);
    // The engine does as much on a reorg, and would wait for a reader's lock.
    await pool.query("set lock_timeout = '2s'; lock table account in access exclusive mode");
    await pool.query("insert into account values (1)");
    expect(await frozen.read(sql`select * from account`)).toEqual([]);
    await frozen.write(sql`create table copied (amount int)`);
    await frozen.close({ keep });
    await pool.query("delete from account");
    const { rows } = await pool.query("select to_regclass('copied') is not null as is_there");
    expect(rows).toEqual([{ is_there: keep }]);
  }
});

async function problemsOf(databaseUrl: string): Promise<ConfigError["problems"]> {
  const error = await checkDatabase(databaseUrl).catch((thrown: unknown) => thrown);
  if (error instanceof ConfigError) return error.problems;
  throw error ?? new Error("the database was found good");
}
