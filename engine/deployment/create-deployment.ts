import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { sql } from "kysely";
import { ConfigError } from "../../config/config-error.ts";
import type { FrozenDatabase } from "../../db/frozen-database.ts";
import { isReorgTable, privateTablesSql } from "../private-tables.ts";

/** The engine's own maker of tables (ponder 0.17, `src/drizzle/kit/index.ts`). */
const KIT = join(import.meta.dirname, "../../node_modules/ponder/dist/esm/drizzle/kit/index.js");

type Statement = { tableName: string };
type Kit = {
  getSql(schema: object): {
    tables: { sql: string[]; json: Statement[] };
    indexes: { sql: string[] };
  };
};

/** The tables of `ponder.schema.ts` in a schema of their own, as the engine would make them. */
export type CreatedDeployment = {
  tables: string[];
  /** Indexes are quicker made when the rows are in. */
  createIndexes(): Promise<void>;
};

/**
 * Makes an empty deployment.
 *
 * @throws ConfigError when there is something in the schema already
 */
export async function createDeployment(
  database: FrozenDatabase,
  schema: string,
): Promise<CreatedDeployment> {
  const [found] = await database.write(
    sql<{ relations: string }>`
      select count(*) as relations from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = ${schema}`,
  );
  if (Number(found?.relations) > 0)
    throw new ConfigError([
      {
        where: "--schema",
        what: `schema "${schema}" is not empty: name another one, or drop it (drop schema "${schema}" cascade)`,
      },
    ]);
  const { tables, indexes } = await statements();
  await database.write(sql`create schema if not exists ${sql.id(schema)}`);
  await runIn(
    database,
    schema,
    tables.map(({ text }) => text),
  );
  await database.write(sql.raw(privateTablesSql(schema)));
  return {
    tables: tables.map(({ name }) => name),
    createIndexes: () => runIn(database, schema, indexes),
  };
}

/** The engine's statements without names of schemas. */
async function statements(): Promise<{
  tables: { name: string; text: string }[];
  indexes: string[];
}> {
  const kit = (await import(pathToFileURL(KIT).href)) as Kit;
  const { tables, indexes } = kit.getSql(await import("../../ponder.schema.ts"));
  return {
    tables: tables.json
      .map(({ tableName }, at) => ({ name: tableName, text: tables.sql[at] ?? "" }))
      // What the engine rolls back with; nothing here is ever rolled back.
      .filter(({ name }) => !isReorgTable(name)),
    indexes: indexes.sql,
  };
}

async function runIn(
  database: FrozenDatabase,
  schema: string,
  statements: string[],
): Promise<void> {
  const [before] = await database.write(
    sql<{ path: string }>`select current_setting('search_path') as path`,
  );
  await setSearchPath(database, `"${schema}"`);
  for (const statement of statements) await database.write(sql.raw(statement));
  await setSearchPath(database, before?.path ?? "");
}

async function setSearchPath(database: FrozenDatabase, path: string): Promise<void> {
  await database.write(sql`select set_config('search_path', ${path}, true)`);
}
