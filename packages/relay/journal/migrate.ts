import { setTimeout } from "node:timers/promises";
import type { Kysely } from "kysely";
import { type Migration, Migrator } from "kysely/migration";
import * as journal from "./migrations/0001-journal.ts";
import * as knownIn from "./migrations/0002-known-in.ts";
import * as source from "./migrations/0003-source.ts";
import * as haltedFor from "./migrations/0004-halted-for.ts";
import * as feedOffset from "./migrations/0005-feed-offset.ts";

const MIGRATIONS = {
  "0001-journal": journal,
  "0002-known-in": knownIn,
  "0003-source": source,
  "0004-halted-for": haltedFor,
};

/**
 * What relays of before need not know. It is recorded apart from the migrations, because they
 * refuse to start beside one of those that they do not have: so they can be started again.
 */
const ADDITIONS = { "0005-feed-offset": feedOffset };

const LOCK_NOT_AVAILABLE = "55P03";
const TRIES_FOR_A_LOCK = 30;
const PAUSE_MS = 1_000;

/**
 * Brings schema `relay` up to date. Several relays may start at once: the migrator locks, and makes
 * the schema itself, because `create schema if not exists` fails for one of two that meet in it.
 *
 * @throws when the schema was written by a newer version, the database user may not create it, or
 *   another session holds one of its tables for minutes
 */
export async function migrate(db: Kysely<unknown>): Promise<void> {
  await bring(db, MIGRATIONS, {});
  await bring(db, ADDITIONS, {
    migrationTableName: "addition",
    migrationLockTableName: "addition_lock",
  });
}

async function bring(
  db: Kysely<unknown>,
  migrations: Record<string, Migration>,
  tables: { migrationTableName?: string; migrationLockTableName?: string },
): Promise<void> {
  const migrator = new Migrator({
    db,
    migrationTableSchema: "relay",
    ...tables,
    provider: { getMigrations: async () => migrations },
  });
  for (let tries = 1; ; tries++) {
    const { error } = await migrator.migrateToLatest();
    if (error === undefined) return;
    if (!isLocked(error) || tries === TRIES_FOR_A_LOCK)
      throw new Error(`Schema \`relay\` could not be brought up to date: ${messageOf(error)}`, {
        cause: error,
      });
    await setTimeout(PAUSE_MS);
  }
}

function isLocked(error: unknown): boolean {
  return (error as { code?: string }).code === LOCK_NOT_AVAILABLE;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
