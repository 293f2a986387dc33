import type { Chain } from "../config/chain-deployment.ts";
import { EXIT_RETRY } from "../config/error-catalogue.ts";
import type { EventLog } from "../config/event-log.ts";
import { waitForOrder } from "../engine/cache/hold-cache.ts";
import { prepareCache } from "../engine/preflight/prepare-cache.ts";

/**
 * Prepares the cache of RPC answers for an engine in this process, and ends the process when it has
 * to be trimmed later: whoever starts next does that.
 *
 * @param schema the deployment that the engine will index into
 */
export async function useCache(
  databaseUrl: string,
  schema: string,
  chains: readonly Chain[],
  log: EventLog,
): Promise<void> {
  const say = (event: string, text: string) => log.warn({ event }, text);
  const hold = await prepareCache(databaseUrl, schema, chains, say);
  const chainIds = chains.map(({ chainId }) => chainId);
  void waitForOrder(databaseUrl, hold, chainIds).then(() => {
    log.info({ event: "cache.ordered" }, "Starting again, to trim the cache of RPC answers.");
    process.exit(EXIT_RETRY);
  });
}
