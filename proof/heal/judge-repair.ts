import type { ChainDeployment } from "../../config/chain-deployment.ts";
import { withClient } from "../../db/with-client.ts";
import { VIEWS_SCHEMA } from "../../engine/build-schema.ts";
import type { CacheRepair } from "../../engine/cache/cache-repair.ts";
import {
  type CacheComparison,
  cachedThrough,
  compareCache,
} from "../../engine/cache/compare-cache.ts";
import { followedFactories } from "../../engine/cache/followed-factory.ts";

type Progress = { finalBlock: string | null; isAtWork: boolean };

/**
 * Compares the live deployment with the cache that was trimmed and filled again.
 *
 * @returns null while the indexer is still filling it
 */
export async function judgeRepair(
  databaseUrl: string,
  chain: ChainDeployment,
  { fromBlock, trimmedAt }: Pick<CacheRepair, "fromBlock" | "trimmedAt">,
  live: string,
): Promise<CacheComparison | null> {
  const { chainId } = chain;
  return await withClient(databaseUrl, async (client) => {
    // One state of everything: the engine goes on, and may revert what it had.
    await client.query("begin isolation level repeatable read read only");
    const { rows } = await client.query<Progress>(
      `select p.final_block as "finalBlock",
              p.is_ready and p.catching_up_since is null and s.started_at > $3 as "isAtWork"
       from "${VIEWS_SCHEMA}".chain_progress p
       join "${VIEWS_SCHEMA}"._engine_start s on s.deployment = $2
       where p.chain_id = $1`,
      [chainId, live, trimmedAt],
    );
    const [progress] = rows;
    const factories = followedFactories(chain);
    const cached = await cachedThrough(client, factories, fromBlock);
    if (!progress?.isAtWork || progress.finalBlock === null || cached === null) return null;
    const throughBlock = Math.min(Number(progress.finalBlock), cached);
    const compared = { chainId, factories, schema: live, fromBlock, throughBlock };
    return await compareCache(client, compared);
  });
}
