import type { Queryable } from "./generation.ts";

/** How far the engine is with a deployment, by its own tables. */
export type EngineState = {
  /** The backfill is done. */
  isReady: boolean;
  chains: ChainCheckpoint[];
};

/** Checkpoints are the engine's 75 digits, which sort in chain order. */
type ChainCheckpoint = {
  chainId: number;
  latest: string;
  finalized: string;
  /** Changes whenever the engine writes the row. */
  rowVersion: string;
};

/** Reads it; nothing is ready, and there are no chains, before the engine has made its tables. */
export async function readEngineState(db: Queryable, schema: string): Promise<EngineState> {
  const { rows: found } = await db.query("select to_regclass($1) is not null as exists", [
    `"${schema}"._ponder_checkpoint`,
  ]);
  if (!found[0].exists) return { isReady: false, chains: [] };
  const { rows } = await db.query(
    `select (m.value ->> 'is_ready')::int = 1 as "isReady", c.chain_id::int8 as "chainId",
            c.latest_checkpoint as latest, c.finalized_checkpoint as finalized,
            c.xmin::text as "rowVersion"
     from "${schema}"._ponder_meta m left join "${schema}"._ponder_checkpoint c on true
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

/** The block number inside a checkpoint (ponder 0.17, `src/utils/checkpoint.ts`). */
export function blockOf(checkpoint: string): number {
  return Number(checkpoint.slice(26, 42));
}
