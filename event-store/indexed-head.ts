import { sql } from "kysely";
import type { DeployedChain, Deployment } from "../verify/deployment.ts";
import type { FrozenDatabase } from "../verify/frozen-database.ts";

/**
 * The last block of a chain of which every event is indexed. During the backfill a commit may fall
 * within a block; the one before it is whole.
 */
export async function indexedHead(
  database: FrozenDatabase,
  { schema }: Deployment,
  { indexedBlock }: DeployedChain,
): Promise<number> {
  const [app] = await database.read(
    sql<{ is_ready: boolean | null }>`
      select value ->> 'is_ready' = '1' as is_ready from ${sql.id(schema, "_ponder_meta")}
      where key = 'app'`,
  );
  return Math.max(0, indexedBlock - (app?.is_ready ? 0 : 1));
}
