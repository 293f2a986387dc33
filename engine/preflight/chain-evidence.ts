import { type BlockEvidence, evidenceFrom } from "@escrow-stream/relay";
import { createPublicClient, http, webSocket } from "viem";
import type { Chain } from "../../config/chain-deployment.ts";

const TIMEOUT_MS = 5_000;

/** Evidence of replaced blocks from every RPC endpoint of the chains that are followed. */
export function chainEvidence(chains: Chain[]): BlockEvidence {
  return evidenceFrom(
    new Map(
      chains.map(({ chainId, rpcUrls }) => [
        chainId,
        [...new Set(rpcUrls)].map((url) => {
          const options = { timeout: TIMEOUT_MS, retryCount: 0 };
          const client = createPublicClient({
            transport: url.startsWith("ws") ? webSocket(url, options) : http(url, options),
          });
          return async (blockNumber: number) =>
            (await client.getBlock({ blockNumber: BigInt(blockNumber) })).hash;
        }),
      ]),
    ),
  );
}
