import { schemaOf } from "./consumer-options.ts";
import { feedPositionTable } from "./feed-position.ts";
import { highWaterMarkTables } from "./migrations/0001-high-water-mark.ts";
import { type Queryable, rowsOf } from "./queryable.ts";

// In order and never changed once released; the version of a schema is how many it has had.
const MIGRATIONS = [highWaterMarkTables];
const LOCK_ID = 0x636f6e73; // "cons"

/**
 * Creates the library's tables or brings them up to date. Several processes may do so at once.
 *
 * @param tx a transaction; see `in-transaction.ts`
 * @throws when the schema was written by a newer version of the library
 */
export async function migrate(tx: Queryable, options: { schema?: string } = {}): Promise<void> {
  const schema = schemaOf(options);
  await tx.query("select pg_advisory_xact_lock($1)", [LOCK_ID]);
  await tx.query(`create schema if not exists ${schema}`);
  await tx.query(`create table if not exists ${schema}.migration (version integer primary key)`);
  const [row] = await rowsOf<{ version: number | null }>(
    tx,
    `select max(version) as version from ${schema}.migration`,
  );
  const version = row?.version ?? 0;
  if (version > MIGRATIONS.length)
    throw new Error(
      `Schema ${schema} has version ${version}, newer than this consumer library (${MIGRATIONS.length}).`,
    );
  for (const [index, migration] of MIGRATIONS.entries()) {
    if (index < version) continue;
    await tx.query(migration(schema));
    await tx.query(`insert into ${schema}.migration (version) values ($1)`, [index + 1]);
  }
  // Beside the versions: an older library, which has no use for it, goes on.
  await tx.query(feedPositionTable(schema));
}
