import { sql } from "kysely";
import type { FrozenDatabase } from "../../db/frozen-database.ts";
import { VIEWS_SCHEMA } from "../../engine/build-schema.ts";
import type { ExportedEvent, ExportHeader, ExportTrailer } from "./export-format.ts";

/** The engine's version of what it keeps in `_ponder_meta` (ponder 0.17, `src/database/index.ts`). */
const META_VERSION = "6";

export type ImportedState = {
  header: ExportHeader;
  trailer: ExportTrailer;
  tables: string[];
  /** The last event of each chain. */
  lastOf: ReadonlyMap<number, ExportedEvent>;
};

/** Writes down how far an import is in the engine's own form, which the query side reads. */
export async function writeEngineState(
  database: FrozenDatabase,
  schema: string,
  { header, trailer, tables, lastOf }: ImportedState,
): Promise<void> {
  const app = {
    version: META_VERSION,
    // No build of the engine has this id, so none takes the tables for its own.
    build_id: `import-${trailer.sha256.slice(0, 10)}`,
    table_names: tables,
    view_names: [],
    is_dev: 0,
    is_locked: 0,
    is_ready: 1,
    heartbeat_at: 0,
  };
  await database.write(sql`
    insert into ${sql.id(schema, "_ponder_meta")} values ('app', ${JSON.stringify(app)}::jsonb)`);
  for (const { chain_id, name, to_block, final_block } of header.chains) {
    // The time of a block without events is not in the file; that of the last event is.
    const timestamp = lastOf.get(chain_id)?.block_timestamp ?? 0;
    const latest = checkpointOf(timestamp, chain_id, to_block);
    const final = checkpointOf(timestamp, chain_id, final_block);
    await database.write(sql`
      insert into ${sql.id(schema, "_ponder_checkpoint")}
      values (${name}, ${chain_id}, ${latest}, ${latest}, ${final})`);
  }
}

/**
 * Points the stable views at an import where there are none yet, so that the query side serves it.
 * All but the outbox: without its view a relay finds nothing to publish here a second time.
 *
 * @returns whether it made them
 */
export async function showImport(
  database: FrozenDatabase,
  schema: string,
  tables: readonly string[],
): Promise<boolean> {
  const found = await database.read(
    sql`select from pg_views where schemaname = ${VIEWS_SCHEMA} limit 1`,
  );
  if (found.length > 0) return false;
  await database.write(sql`create schema if not exists ${sql.id(VIEWS_SCHEMA)}`);
  for (const table of tables.filter((each) => each !== "outbox"))
    await database.write(
      sql`create view ${sql.id(VIEWS_SCHEMA, table)} as select * from ${sql.id(schema, table)}`,
    );
  return true;
}

/** The engine's checkpoint behind everything in a block (ponder 0.17, `src/utils/checkpoint.ts`). */
function checkpointOf(timestamp: number, chainId: number, block: number): string {
  const part = (value: number, digits: number): string => String(value).padStart(digits, "0");
  return `${part(timestamp, 10)}${part(chainId, 16)}${part(block, 16)}${"9".repeat(33)}`;
}
