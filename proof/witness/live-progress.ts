import type { Queryable } from "../../db/queryable.ts";
import { relationExists } from "../../db/relation-exists.ts";
import { VIEWS_SCHEMA } from "../../engine/build-schema.ts";
import { viewedDeployment } from "../../engine/deployment/viewed-deployment.ts";

/** How far the live deployment is on a chain. */
export type LiveProgress = {
  deployment: string;
  /** Last block that is wholly indexed. */
  indexed: number;
  /** Last one that the engine calls final; it may not be indexed yet. */
  final: number;
  /** The engine is indexing again what it reverted: what is missing proves nothing. */
  isCatchingUp: boolean;
};

/** Null while no deployment is live, or it does not follow this chain. */
export async function readLiveProgress(
  db: Queryable,
  chainId: number,
): Promise<LiveProgress | null> {
  const deployment = await viewedDeployment(db);
  if (deployment === null || !(await relationExists(db, VIEWS_SCHEMA, "chain_progress")))
    return null;
  const { rows } = await db.query(
    `select indexed_block, final_block, catching_up_since is not null as is_catching_up
     from "${VIEWS_SCHEMA}".chain_progress where chain_id = $1`,
    [chainId],
  );
  const [row] = rows;
  return row === undefined
    ? null
    : {
        deployment,
        indexed: Number(row.indexed_block),
        final: Number(row.final_block),
        isCatchingUp: row.is_catching_up,
      };
}
