import type { Chain } from "../../config/chain-deployment.ts";
import type { Queryable } from "../../db/queryable.ts";
import { relationExists } from "../../db/relation-exists.ts";
import { VIEWS_SCHEMA } from "../build-schema.ts";
import { ensureCacheRepairs, orderRepair, readRepairs, recordTrim } from "../cache/cache-repair.ts";
import { CACHE_SCHEMA, ensureCacheIndexes } from "../cache/cache-tables.ts";
import {
  CACHED_ANNOUNCEMENTS,
  type ForgottenEscrows,
  findForgotten,
  storedAnnouncements,
} from "../cache/find-forgotten.ts";
import { followedFactories } from "../cache/followed-factory.ts";
import { CacheHold } from "../cache/hold-cache.ts";
import { trimCache } from "../cache/trim-cache.ts";

type Say = (event: string, text: string) => void;

/**
 * Makes sure that an engine may begin on the cache of RPC answers: looks for escrows that the cache
 * has forgotten, and has it asked again from the first of them on; does the same where it was ordered
 * before, by the witness or by an operator; and holds the cache from then on.
 *
 * What is asked again, the engine fetches before it goes on with new blocks.
 *
 * @param schema the deployment that the engine will index into
 * @param say called with what is found, and what is done about it
 * @throws ConfigError when another engine uses the cache and does not end
 */
export async function prepareCache(
  databaseUrl: string,
  schema: string,
  chains: readonly Chain[],
  say: Say,
): Promise<CacheHold> {
  const hold = await CacheHold.connect(databaseUrl);
  const { client } = hold;
  const chainIds = chains.map(({ chainId }) => chainId);
  try {
    await ensureCacheRepairs(client);
    if (await isCacheThere(client)) {
      await ensureCacheIndexes(client);
      for (const chain of chains) await orderForForgotten(client, schema, chain, say);
    }
    for (;;) {
      if ((await ordered(client, chainIds)).length > 0)
        await hold.alone(() => trimAsOrdered(client, chainIds, say));
      await hold.share();
      if ((await ordered(client, chainIds)).length === 0) return hold;
      // Ordered in between: nobody trims it while this one holds the cache.
      await client.query("select pg_advisory_unlock_all()");
    }
  } catch (error) {
    await hold.stop();
    throw error;
  }
}

async function orderForForgotten(
  client: Queryable,
  schema: string,
  chain: Chain,
  say: Say,
): Promise<void> {
  const { chainId, name } = chain;
  const factories = followedFactories(chain);
  const store = await eventStoreSchema(client, schema);
  const places = [CACHED_ANNOUNCEMENTS, ...(store === null ? [] : [storedAnnouncements(store)])];
  const found: ForgottenEscrows[] = [];
  for (const place of places) {
    const forgotten = await findForgotten(client, chainId, factories, place);
    if (forgotten !== null) found.push(forgotten);
  }
  if (found.length === 0) return;
  const fromBlock = Math.min(...found.map(({ firstBlock }) => firstBlock));
  const count = Math.max(...found.map((each) => each.count));
  const reason = `the cache of RPC answers has forgotten ${count} escrows, the first of block ${fromBlock}`;
  say("cache.hole", `chain ${chainId} (${name}): ${reason}.`);
  await orderRepair(client, { chainId, fromBlock, reason });
}

/** Where the deployment's own events are, or those of the live one; null while there are none. */
async function eventStoreSchema(client: Queryable, schema: string): Promise<string | null> {
  for (const place of [schema, VIEWS_SCHEMA])
    if (await relationExists(client, place, "event")) return place;
  return null;
}

async function trimAsOrdered(client: Queryable, chainIds: number[], say: Say): Promise<void> {
  for (const repair of await ordered(client, chainIds)) {
    const { chainId, fromBlock, reason } = repair;
    if (await isCacheThere(client)) await trimCache(client, chainId, fromBlock);
    await recordTrim(client, repair);
    say(
      "cache.trimmed",
      `chain ${chainId}: everything from block ${fromBlock} on is asked for again, because ${reason}.`,
    );
  }
}

async function ordered(client: Queryable, chainIds: number[]) {
  return (await readRepairs(client, chainIds)).filter(({ state }) => state === "ordered");
}

async function isCacheThere(client: Queryable): Promise<boolean> {
  return await relationExists(client, CACHE_SCHEMA, "factory_addresses");
}
