import type { Kysely } from "kysely";
import { Migrator } from "kysely/migration";
import * as journal from "./migrations/0001-journal.ts";
import * as knownIn from "./migrations/0002-known-in.ts";
import * as source from "./migrations/0003-source.ts";
import * as haltedFor from "./migrations/0004-halted-for.ts";

/**
 * Brings schema `relay` up to date. Several relays may start at once: the migrator locks, and makes
 * the schema itself, because `create schema if not exists` fails for one of two that meet in it.
 *
 * @throws when the schema was written by a newer version, or the database user may not create it
 */
export async function migrate(db: Kysely<unknown>): Promise<void> {
  const migrator = new Migrator({
    db,
    migrationTableSchema: "relay",
    provider: {
      getMigrations: async () => ({
        "0001-journal": journal,
        "0002-known-in": knownIn,
        "0003-source": source,
        "0004-halted-for": haltedFor,
      }),
    },
  });
  const { error } = await migrator.migrateToLatest();
  if (error)
    throw new Error(`Schema \`relay\` could not be brought up to date: ${messageOf(error)}`, {
      cause: error,
    });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
