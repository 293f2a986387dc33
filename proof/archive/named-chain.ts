import type { DeployedChain } from "../../engine/deployment/find-deployment.ts";

/** The chain of that id or name. */
export function namedChain(
  chains: readonly DeployedChain[],
  wanted: string,
): DeployedChain | undefined {
  return chains.find(({ chainId, name }) => String(chainId) === wanted || name === wanted);
}

/** The chains that there are, for a message. */
export function chainsInWords(chains: readonly DeployedChain[]): string {
  return chains.map(({ chainId, name }) => `${chainId} (${name})`).join(", ") || "none";
}
