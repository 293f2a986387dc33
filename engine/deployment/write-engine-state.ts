import { sql } from "kysely";
import type { FrozenDatabase } from "../../db/frozen-database.ts";
import { endOfBlock } from "../checkpoint.ts";
import { CHECKPOINT_TABLE, META_TABLE, META_VERSION, type Meta } from "../private-tables.ts";

/** A deployment that was filled without the engine. */
export type FilledDeployment = {
  /** One that no build of the engine has, so that none takes the tables for its own. */
  buildId: string;
  tables: string[];
  chains: {
    chainId: number;
    name: string;
    /** Seconds; of the last block with an event. */
    timestamp: number;
    indexedBlock: number;
    finalBlock: number;
  }[];
};

/** Writes down how far a deployment is in the engine's own form, which the query side reads. */
export async function writeEngineState(
  database: FrozenDatabase,
  schema: string,
  { buildId, tables, chains }: FilledDeployment,
): Promise<void> {
  const meta: Meta = {
    version: META_VERSION,
    build_id: buildId,
    table_names: tables,
    view_names: [],
    is_dev: 0,
    is_locked: 0,
    is_ready: 1,
    heartbeat_at: 0,
  };
  await database.write(sql`
    insert into ${sql.id(schema, META_TABLE)} values ('app', ${JSON.stringify(meta)}::jsonb)`);
  for (const { chainId, name, timestamp, indexedBlock, finalBlock } of chains) {
    const end = (blockNumber: number) =>
      endOfBlock({ timestamp: BigInt(timestamp), chainId, blockNumber });
    const [latest, final] = [end(indexedBlock), end(finalBlock)];
    await database.write(sql`
      insert into ${sql.id(schema, CHECKPOINT_TABLE)}
      values (${name}, ${chainId}, ${latest}, ${latest}, ${final})`);
  }
}
