import { withClient } from "../db/with-client.ts";
import { META_TABLE } from "./private-tables.ts";

/**
 * Releases the engine's lock on a schema for a process that is certainly gone. The engine (ponder
 * 0.17) leaves its lock behind however it ends, and the next one would wait 25 s for it to expire.
 */
export async function releaseEngineLock(databaseUrl: string, schema: string): Promise<void> {
  await withClient(databaseUrl, (client) =>
    client.query(
      `update "${schema}".${META_TABLE} set value = jsonb_set(value, '{is_locked}', '0') where key = 'app'`,
    ),
  ).catch(() => {
    // Without it the lock expires by itself.
  });
}
