import { sql } from "kysely";
import type { FrozenDatabase } from "../db/frozen-database.ts";
import { VIEWS_SCHEMA } from "./build-schema.ts";
import { PROGRESS_SQL } from "./ensure-progress-view.ts";
import { viewsSql } from "./ensure-views.ts";
import { META_TABLE } from "./private-tables.ts";

/**
 * Points the stable views at some tables of a deployment where there are no views yet, so that the
 * query side serves it.
 *
 * @returns whether it made them
 */
export async function showIfFirst(
  database: FrozenDatabase,
  schema: string,
  tables: readonly string[],
): Promise<boolean> {
  const found = await database.read(
    sql`select from pg_views where schemaname = ${VIEWS_SCHEMA} and viewname = ${META_TABLE}`,
  );
  if (found.length > 0) return false;
  await database.write(sql.raw(PROGRESS_SQL));
  await database.write(sql.raw(viewsSql(schema, tables)));
  return true;
}
