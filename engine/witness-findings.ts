import type { Queryable } from "../db/queryable.ts";
import { relationExists } from "../db/relation-exists.ts";
import { WITNESS_SCHEMA } from "./witness-tables.ts";

/** Differences between the chain and event stores that are not healed, of one chain. */
export type Unhealed = {
  /** Of the deployment that was asked for; null when there are none. */
  ofLive: { count: number; firstBlock: number; detail: string } | null;
  /** Of other deployments: what took their place is not verified up to there yet. */
  ofOthers: number;
};

/**
 * Reads what the witness found and is not healed. Findings of deployments that are no longer live are
 * healed as soon as the live one is verified past them.
 */
export async function readUnhealed(
  db: Queryable,
  chainId: number,
  live: string,
): Promise<Unhealed> {
  if (!(await relationExists(db, WITNESS_SCHEMA, "finding"))) return { ofLive: null, ofOthers: 0 };
  await db.query(
    `update ${WITNESS_SCHEMA}.finding f set healed_at = now(),
            withdrawn_at = case when f.kind = 'phantom' and exists (
              select from "${live}".event e
              where e.chain_id = f.chain_id and e.id = f.event_id) then now() end
     from ${WITNESS_SCHEMA}.verified v
     where f.chain_id = $1 and f.deployment <> $2 and f.healed_at is null
       and v.deployment = $2 and v.chain_id = f.chain_id
       and (f.block_number <= v.history_through
            or (f.block_number <= v.through_block and f.block_number > v.gate_from))`,
    [chainId, live],
  );
  const { rows } = await db.query(
    `select deployment = $2 as "isLive", count(*)::int as count, min(block_number) as first,
            (array_agg(detail order by block_number))[1] as detail
     from ${WITNESS_SCHEMA}.finding
     where chain_id = $1 and healed_at is null
     group by 1`,
    [chainId, live],
  );
  const own = rows.find(({ isLive }) => isLive);
  return {
    ofLive:
      own === undefined
        ? null
        : { count: own.count, firstBlock: Number(own.first), detail: own.detail },
    ofOthers: rows.find(({ isLive }) => !isLive)?.count ?? 0,
  };
}
