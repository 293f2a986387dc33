import type { Address } from "viem";
import type { ChainClient } from "./chain-client.ts";

const PARTIES = 24;

/**
 * The accounts that play the deals: anvil's second to twenty-fifth. The first deploys the
 * factories, and the last are left for people and tests.
 *
 * @throws When the chain has too few unlocked accounts.
 */
export async function trafficParties(client: ChainClient): Promise<Address[]> {
  const accounts = await client.getAddresses();
  const parties = accounts.slice(1, 1 + PARTIES);
  if (parties.length < PARTIES) {
    throw new Error(
      `The chain has ${accounts.length} unlocked accounts, ${PARTIES + 1} are needed`,
    );
  }
  return parties;
}
