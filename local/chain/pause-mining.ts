import type { ChainClient } from "./chain-client.ts";

/**
 * Stops the chain from mining by itself.
 *
 * @returns A function that lets it mine again in the way it did, and mines what came meanwhile.
 */
export async function pauseMining(client: ChainClient): Promise<() => Promise<void>> {
  const automine = await client.getAutomine();
  const interval = await client.request({ method: "anvil_getIntervalMining" });
  await client.setAutomine(false);
  await client.setIntervalMining({ interval: 0 });
  return async () => {
    if (interval !== null) return client.setIntervalMining({ interval });
    await client.setAutomine(automine);
    // Automining acts on a new transaction only: what already waits would go on waiting.
    const { pending } = await client.getTxpoolStatus();
    if (automine && pending > 0) await client.mine({ blocks: 1 });
  };
}
