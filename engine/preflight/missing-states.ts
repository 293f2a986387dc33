import { createPublicClient, http, numberToHex, webSocket, zeroAddress } from "viem";
import type { Chain } from "../../config/chain-deployment.ts";

const TIMEOUT_MS = 10_000;

/**
 * Chains of whose first followed block no endpoint that answers has the state: first arbiters of
 * escrows of revision A are not asked for there, but follow from later changes and from who is arbiter
 * now.
 *
 * @returns a sentence for each; none for a chain whose arbiters are not asked for
 */
export async function missingStates(chains: readonly Chain[]): Promise<string[]> {
  const sentences = await Promise.all(
    chains
      .filter(({ arbiters }) => arbiters !== "skip")
      .map(async ({ chainId, name, factories, rpcUrls }) => {
        const ofA = factories.filter(({ revision }) => revision !== "B");
        if (ofA.length === 0) return [];
        const block = Math.min(...ofA.map(({ startBlock }) => startBlock));
        const asked = await Promise.all([...new Set(rpcUrls)].map((url) => hasState(url, block)));
        if (asked.includes(true)) return [];
        return [
          `chain ${chainId} (${name}): no RPC endpoint has the state of block ${block}. First arbiters of older escrows of revision A are told from their later changes and from the state now; an archive endpoint in RPC_URL would tell each directly`,
        ];
      }),
  );
  return sentences.flat();
}

async function hasState(url: string, block: number): Promise<boolean> {
  const options = { timeout: TIMEOUT_MS, retryCount: 0 };
  const transport = url.startsWith("ws") ? webSocket(url, options) : http(url, options);
  try {
    await createPublicClient({ transport }).request({
      method: "eth_call",
      params: [{ to: zeroAddress }, numberToHex(block)],
    });
    return true;
  } catch {
    // Whoever does not answer at all is named by the check of the chains.
    return false;
  }
}
