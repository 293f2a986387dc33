import { createConfig, factory } from "ponder";
import { getAbiItem } from "viem";
import { escrowAAbi } from "./abis/escrow-a.ts";
import { escrowBAbi } from "./abis/escrow-b.ts";
import { escrowFactoryAAbi } from "./abis/escrow-factory-a.ts";
import { escrowFactoryBAbi } from "./abis/escrow-factory-b.ts";
import type { Chain, FactoryDeployment } from "./config/chain-deployment.ts";
import { enginePace } from "./config/engine-pace.ts";
import { parseChains } from "./config/parse-chains.ts";

/*
 * What the engine follows. Each revision is a factory and its escrows; the engine allows one event
 * per `factory()`, so two revisions are two pairs of sources, told apart by topic 0.
 */

const chains = parseChains(process.env);

const factoryDeployed = {
  A: getAbiItem({ abi: escrowFactoryAAbi, name: "EscrowDeployed" }),
  B: getAbiItem({ abi: escrowFactoryBAbi, name: "EscrowDeployed" }),
};

export default createConfig({
  ordering: "multichain",
  chains: Object.fromEntries(
    chains.map((chain) => [
      chain.name,
      {
        id: chain.chainId,
        rpc: enginePace(chain.rpcUrls, chain.rpcRequestsPerSecond),
        pollingInterval: chain.pollIntervalMs,
      },
    ]),
  ),
  contracts: {
    FactoryA: { abi: escrowFactoryAAbi, chain: onEachChain("A", (address) => address) },
    FactoryB: { abi: escrowFactoryBAbi, chain: onEachChain("B", (address) => address) },
    EscrowA: {
      abi: escrowAAbi,
      chain: onEachChain("A", (address) =>
        factory({ address, event: factoryDeployed.A, parameter: "escrow" }),
      ),
    },
    EscrowB: {
      abi: escrowBAbi,
      chain: onEachChain("B", (address) =>
        factory({ address, event: factoryDeployed.B, parameter: "escrow" }),
      ),
    },
    // Nothing to follow: it tells the handlers on which chains to ask escrows of revision A for what
    // their events do not say, and so makes that part of the build.
    ArbiterOfA: {
      abi: [getAbiItem({ abi: escrowAAbi, name: "arbiter" })],
      chain: onEachChain(
        "A",
        (address) => address,
        ({ arbiters }) => arbiters !== "skip",
      ),
    },
  },
});

/** A source on every chain that has a factory of that revision, from the first of their blocks. */
function onEachChain<T>(
  revision: "A" | "B",
  source: (factories: FactoryDeployment["address"][]) => T,
  isWanted: (chain: Chain) => boolean = () => true,
): Record<string, { address: T; startBlock: number }> {
  const sources = chains.filter(isWanted).map((chain: Chain) => {
    const factories = chain.factories.filter((each) => (each.revision ?? revision) === revision);
    return { chain, factories };
  });
  return Object.fromEntries(
    sources
      .filter(({ factories }) => factories.length > 0)
      .map(({ chain, factories }) => [
        chain.name,
        {
          address: source(factories.map((each) => each.address)),
          startBlock: Math.min(...factories.map((each) => each.startBlock)),
        },
      ]),
  );
}
