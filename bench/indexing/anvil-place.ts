import { connectToChain } from "../../local/chain/chain-client.ts";
import { deployFactories } from "../../local/chain/deploy-factories.ts";
import { seedEscrows } from "../../local/chain/seed-escrows.ts";
import { startAnvil } from "../../local/chain/start-anvil.ts";
import { atEnd } from "../framework/at-end.ts";
import { CHAIN_ID } from "../parts/escrow-chain.ts";
import type { Place } from "./place.ts";

/** More than the engine's finality on a chain that it does not know. */
const BLOCKS_TO_FINALITY = 70;
const AGE_SECONDS = 86_400;

/**
 * Starts anvil with real contracts and real transactions on it: three events per escrow.
 *
 * @returns what an indexer has to know of it, and how many events there are
 */
export async function startAnvilPlace(
  escrows: number,
): Promise<{ chain: Omit<Place, "databaseUrl">; events: number }> {
  const genesisTimestamp = Math.floor(Date.now() / 1000) - AGE_SECONDS;
  const anvil = await startAnvil({ chainId: CHAIN_ID, genesisTimestamp });
  atEnd(() => anvil.stop());
  const factories = await deployFactories(anvil);
  const { rpcUrl } = anvil;
  const seeded = await seedEscrows({ rpcUrl, factories, count: escrows, seed: 1 });
  await connectToChain(rpcUrl).mine({ blocks: BLOCKS_TO_FINALITY });
  const { revisionA, revisionB } = factories;
  const chain = {
    rpcUrl,
    chainId: CHAIN_ID,
    factories: { A: lower(revisionA.address), B: lower(revisionB.address) },
    lastBlock: seeded.lastBlock,
    requestsPerSecond: 1_000,
  };
  return { chain, events: seeded.events };
}

function lower(address: string): `0x${string}` {
  return address.toLowerCase() as `0x${string}`;
}
