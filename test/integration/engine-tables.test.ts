import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { VIEWS_SCHEMA } from "../../engine/build-schema.ts";
import { parseCheckpoint } from "../../engine/checkpoint.ts";
import { readEngineState } from "../../engine/deployment/engine-state.ts";
import { tablesOf, viewedDeployment } from "../../engine/deployment/viewed-deployment.ts";
import {
  CHECKPOINT_TABLE,
  META_TABLE,
  META_VERSION,
  type Meta,
  NOTIFY_PROCEDURE,
  notifyTrigger,
  PRIVATE_TABLES,
  privateTablesSql,
  REORG_COLUMNS,
  REORG_OPERATION,
  reorgTable,
} from "../../engine/private-tables.ts";
import { freePort } from "../../local/free-port.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { TestChain } from "../support/test-chain.ts";
import { TestWorld } from "../support/test-world.ts";
import { waitUntil } from "../support/wait-until.ts";

/*
 * What `engine/` believes of the engine's private tables, against those that the installed engine
 * makes when it is started. With another version of it, this says what has changed.
 */

const CHAIN_ID = 41_305;

let world: TestWorld;
let chain: TestChain;
let db: pg.Pool;
let schema: string;

beforeAll(async () => {
  world = await TestWorld.create();
  chain = await TestChain.start(CHAIN_ID);
  const databaseUrl = await world.createDatabase();
  db = new pg.Pool({ connectionString: databaseUrl });
  db.on("error", () => undefined);
  const env = {
    ...TestChain.environment([chain]),
    DATABASE_URL: databaseUrl,
    INDEXER_PORT: String(await freePort()),
  };
  const indexer = world.ends(new ServiceProcess("indexer", { env }));
  await waitUntil("the engine follows the chain", async () => {
    schema = (await viewedDeployment(db)) ?? "";
    return schema !== "" && (await readEngineState(db, schema)).isReady;
  }).catch((error) => {
    throw new Error(`${(error as Error).message}\n${indexer.output}`);
  });
});

afterAll(async () => {
  await db?.end();
  await world?.endTest();
  await chain?.stop();
  await world?.end();
});

test("A deployment's schema holds our tables, one for reverting each, and the engine's own", async () => {
  const tables = (await tablesOf(db, schema)) ?? [];
  const { rows } = await db.query(
    "select tablename from pg_tables where schemaname = $1 order by tablename",
    [schema],
  );
  expect(rows.map(({ tablename }) => tablename)).toEqual(
    [...tables, ...tables.map(reorgTable), ...PRIVATE_TABLES].sort(),
  );
  expect(tables.length).toBeGreaterThan(0);
});

test("The engine's own tables have the columns and keys that this project makes for an import", async () => {
  await db.query(`create schema made_here; ${privateTablesSql("made_here")}`);
  for (const table of PRIVATE_TABLES)
    expect(await shapeOf(schema, table), table).toEqual(await shapeOf("made_here", table));
});

test("Rows for reverting are a table's rows with an operation and a checkpoint", async () => {
  for (const table of (await tablesOf(db, schema)) ?? []) {
    const columns = (await shapeOf(schema, table)).map(({ column }) => column);
    const kept = (await shapeOf(schema, reorgTable(table))).map(({ column }) => column);
    expect(kept, table).toEqual([...columns, ...REORG_COLUMNS]);
  }
});

test("The engine numbers what a change did to a row as this project reads it", async () => {
  const { rows } = await db.query("select pg_get_functiondef(to_regprocedure($1)) as definition", [
    `"${schema}".operation${reorgTable("escrow")}()`,
  ]);
  const found = rows[0].definition.matchAll(/TG_OP = '(\w+)'.*?(?:NEW|OLD)\."\w+", (\d), '/gs);
  const operations = Object.fromEntries(
    [...found].map(([, name, operation]) => [name.toLowerCase(), Number(operation)]),
  );
  expect(operations).toEqual(REORG_OPERATION);
});

test("The engine says of itself what this project reads, in the version that it writes", async () => {
  const { rows } = await db.query<{ value: Meta }>(
    `select value from "${schema}".${META_TABLE} where key = 'app'`,
  );
  const written = {
    version: META_VERSION,
    build_id: expect.any(String),
    table_names: expect.arrayContaining(["event", "outbox", "escrow"]),
    view_names: [],
    is_dev: 0,
    is_locked: 1,
    is_ready: 1,
    heartbeat_at: expect.any(Number),
  } satisfies Record<keyof Meta, unknown>;
  expect(rows.map(({ value }) => value)).toEqual([written]);
});

test("The engine's checkpoints are of the chain that they stand for", async () => {
  const { rows } = await db.query(`select * from "${schema}".${CHECKPOINT_TABLE}`);
  expect(rows).toHaveLength(1);
  const { latest_checkpoint, finalized_checkpoint, safe_checkpoint } = rows[0];
  for (const text of [latest_checkpoint, finalized_checkpoint, safe_checkpoint])
    expect(parseCheckpoint(text).chainId).toBe(BigInt(CHAIN_ID));
});

test("The engine notifies readers of the views by a procedure of theirs and a trigger of the live deployment", async () => {
  const { rows } = await db.query(
    `select tgname as name, tgrelid::regclass::text as table
     from pg_trigger where tgfoid = to_regprocedure($1)`,
    [`"${VIEWS_SCHEMA}".${NOTIFY_PROCEDURE}`],
  );
  expect(rows).toEqual([
    { name: notifyTrigger(VIEWS_SCHEMA), table: `${schema}.${CHECKPOINT_TABLE}` },
  ]);
});

async function shapeOf(of: string, table: string): Promise<{ column: string }[]> {
  const { rows } = await db.query(
    `select a.attname as column, format_type(a.atttypid, a.atttypmod) as type,
            a.attnotnull as "isRequired",
            a.attnum = any (coalesce(k.conkey, '{}')) as "isKey"
     from pg_attribute a
     left join pg_constraint k on k.conrelid = a.attrelid and k.contype = 'p'
     where a.attrelid = format('%I.%I', $1::text, $2::text)::regclass and a.attnum > 0
     order by a.attnum`,
    [of, table],
  );
  return rows;
}
