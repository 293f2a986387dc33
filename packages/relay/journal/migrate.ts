import { setTimeout } from "node:timers/promises";
import { type Kysely, sql } from "kysely";
import { type Migration, Migrator, type MigratorProps } from "kysely/migration";
import * as journal from "./migrations/0001-journal.ts";
import * as knownIn from "./migrations/0002-known-in.ts";
import * as source from "./migrations/0003-source.ts";
import * as haltedFor from "./migrations/0004-halted-for.ts";
import * as feedOffset from "./migrations/0005-feed-offset.ts";

/** What version 0.2.0 has: it refuses to start beside another one. */
const MIGRATIONS = { "0001-journal": journal, "0002-known-in": knownIn, "0003-source": source };

/**
 * What relays of before need not know. It is recorded apart from the migrations, so that they can
 * be started again beside it, or instead of this one.
 */
const ADDITIONS = { "0004-halted-for": haltedFor, "0005-feed-offset": feedOffset };
const APART = { migrationTableName: "addition", migrationLockTableName: "addition_lock" };

/** A lock was not to be had in time, or a deadlock was ended. */
const HELD_UP = new Set(["55P03", "40P01"]);
const TRIES_FOR_A_LOCK = 30;
const PAUSE_MS = 1_000;

/**
 * Brings schema `relay` up to date. Several relays may start at once: the migrator locks, and makes
 * the schema itself, because `create schema if not exists` fails for one of two that meet in it.
 *
 * @throws when the schema was written by a newer version, the database user may not create it, or
 *   another session keeps what it has to lock for minutes
 */
export async function migrate(db: Kysely<unknown>): Promise<void> {
  await bring(db, { ...MIGRATIONS, ...(await recordedOtherwise(db)) }, {});
  await bring(db, ADDITIONS, APART);
}

/** Between 0.2.0 and this one, 0004 was recorded as a migration. */
async function recordedOtherwise(db: Kysely<unknown>): Promise<Record<string, Migration>> {
  const { rows } = await sql<{ is_there: boolean }>`
    select to_regclass('relay.kysely_migration') is not null as is_there`.execute(db);
  if (rows[0]?.is_there !== true) return {};
  const found = await sql`
    select from relay.kysely_migration where name = '0004-halted-for'`.execute(db);
  return found.rows.length === 0 ? {} : { "0004-halted-for": haltedFor };
}

async function bring(
  db: Kysely<unknown>,
  migrations: Record<string, Migration>,
  tables: Partial<MigratorProps>,
): Promise<void> {
  const migrator = new Migrator({
    db,
    migrationTableSchema: "relay",
    ...tables,
    provider: { getMigrations: async () => migrations },
  });
  // Additions one at a time: in one transaction, their locks could deadlock with relays at work.
  const isApart = tables.migrationTableName !== undefined;
  for (let tries = 1; ; ) {
    const { error, results } = await (isApart ? migrator.migrateUp() : migrator.migrateToLatest());
    if (error === undefined && (!isApart || results?.length === 0)) return;
    if (error === undefined) continue;
    if (!isHeldUp(error) || tries === TRIES_FOR_A_LOCK)
      throw new Error(`Schema \`relay\` could not be brought up to date: ${messageOf(error)}`, {
        cause: error,
      });
    tries += 1;
    await setTimeout(PAUSE_MS);
  }
}

function isHeldUp(error: unknown): boolean {
  return HELD_UP.has((error as { code?: string }).code ?? "");
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
