import type { Queryable } from "../../db/queryable.ts";
import { blockOf } from "../../engine/checkpoint.ts";
import { readEngineState } from "../../engine/deployment/engine-state.ts";

/** What is to be built: events, and the first and last block of each chain. */
export type Goal = {
  events: number;
  chains: { chainId: number; firstBlock: number; lastBlock: number }[];
};

/** What there is of it, as committed by the engine. */
export type Built = { events: number; blocks: number };

/** Reads from the live deployment how much there is to build. */
export async function readGoal(
  db: Queryable,
  live: string,
  firstBlocks: Map<number, number>,
  toBlocks: Record<number, number> | null,
): Promise<Goal> {
  const { chains } = await readEngineState(db, live);
  const wanted = chains
    .filter(({ chainId }) => toBlocks === null || chainId in toBlocks)
    .map(({ chainId, latest }) => ({
      chainId,
      firstBlock: firstBlocks.get(chainId) ?? 0,
      lastBlock: toBlocks?.[chainId] ?? blockOf(latest),
    }));
  const ids = wanted.map(({ chainId }) => chainId);
  const { rows } =
    toBlocks === null
      ? await db.query(`select sum(events) as events from "${live}".chain_stat`)
      : await db.query(
          `select count(*) as events from "${live}".event e
           join unnest($1::bigint[], $2::bigint[]) as b (chain_id, last_block) using (chain_id)
           where e.block_number <= b.last_block`,
          [ids, wanted.map(({ lastBlock }) => lastBlock)],
        );
  return { events: Number(rows[0]?.events ?? 0), chains: wanted };
}

/** Reads how much of the goal a deployment has. */
export async function readBuilt(db: Queryable, schema: string, goal: Goal): Promise<Built> {
  const { chains } = await readEngineState(db, schema);
  if (chains.length === 0) return { events: 0, blocks: 0 };
  const { rows } = await db.query(
    `select coalesce(sum(events), 0) as events from "${schema}".chain_stat
     where chain_id = any ($1::bigint[])`,
    [goal.chains.map(({ chainId }) => chainId)],
  );
  const blocks = goal.chains.map(({ chainId, firstBlock, lastBlock }) => {
    const latest = chains.find((chain) => chain.chainId === chainId)?.latest;
    if (latest === undefined) return 0;
    return Math.max(0, Math.min(blockOf(latest), lastBlock) - firstBlock + 1);
  });
  return { events: Number(rows[0].events), blocks: blocks.reduce((sum, each) => sum + each, 0) };
}

/** Blocks of a goal over all chains. */
export function blocksOf({ chains }: Goal): number {
  return chains.reduce((sum, { firstBlock, lastBlock }) => sum + lastBlock - firstBlock + 1, 0);
}
