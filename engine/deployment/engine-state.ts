import type { Queryable } from "../../db/queryable.ts";
import { relationExists } from "../../db/relation-exists.ts";
import { CHECKPOINT_TABLE, META_TABLE } from "../private-tables.ts";

/** How far the engine is with a deployment, by its own tables. */
export type EngineState = {
  /** The backfill is done. */
  isReady: boolean;
  chains: ChainCheckpoint[];
};

/** Checkpoints as the engine writes them (`checkpoint.ts`). */
export type ChainCheckpoint = {
  chainId: number;
  latest: string;
  finalized: string;
  /** Changes whenever the engine writes the row. */
  rowVersion: string;
};

/** Reads it; nothing is ready, and there are no chains, before the engine has made its tables. */
export async function readEngineState(db: Queryable, schema: string): Promise<EngineState> {
  if (!(await relationExists(db, schema, CHECKPOINT_TABLE))) return { isReady: false, chains: [] };
  const { rows } = await db.query(
    `select (m.value ->> 'is_ready')::int = 1 as "isReady", c.chain_id::int8 as "chainId",
            c.latest_checkpoint as latest, c.finalized_checkpoint as finalized,
            c.xmin::text as "rowVersion"
     from "${schema}".${META_TABLE} m left join "${schema}".${CHECKPOINT_TABLE} c on true
     where m.key = 'app' order by c.chain_id`,
  );
  return {
    isReady: rows[0]?.isReady ?? false,
    chains: rows
      .filter(({ chainId }) => chainId !== null)
      .map(({ chainId, latest, finalized, rowVersion }) => ({
        chainId: Number(chainId),
        latest,
        finalized,
        rowVersion,
      })),
  };
}
