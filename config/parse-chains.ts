import { deployments as builtIn } from "../deployments.ts";
import type { Chain, ChainDeployment, FactoryDeployment } from "./chain-deployment.ts";
import { type Env, type Section, section, type VariableReader } from "./section.ts";
import type { VariableValue } from "./variables.ts";

const NAMES_A_CHAIN = new Set(["DEPLOYMENTS", "CHAIN_ID", "CONTRACT_ADDRESS", "START_BLOCK"]);

const VARIABLES = [
  ...(["RPC_URL", "CHAIN_ID", "CONTRACT_ADDRESS", "START_BLOCK", "DEPLOYMENTS"] as const),
  ...(["POLL_INTERVAL_SECONDS", "RPC_REQUESTS_PER_SECOND", "RPC_AGREE"] as const),
  ...(["RPC_MAX_BLOCKS_PER_REQUEST", "RPC_MAX_ADDRESSES_PER_REQUEST"] as const),
];

type ChainVariable = (typeof VARIABLES)[number];
type Reader = VariableReader<ChainVariable>;

/**
 * Which chains and factories to follow, and how to reach them.
 *
 * In this order: `DEPLOYMENTS` (JSON, or the path of a JSON file, in the form of `deployments.ts`);
 * `CONTRACT_ADDRESS` with `CHAIN_ID` and `START_BLOCK` for one chain; `deployments.ts`, of which
 * `CHAIN_ID` picks one.
 */
export const chainSection: Section<Chain[]> = section(VARIABLES, (read) => {
  const named = namedDeployments(read);
  const pollIntervalMs = 1000 * read.get("POLL_INTERVAL_SECONDS");
  const chains = named.map((chain) => {
    const { chainId } = chain;
    const rpcUrls = rpcUrlsOf(read, chain, named.length);
    return {
      ...chain,
      ...{ rpcUrls, pollIntervalMs, rpcAgree: agreeOf(read, chainId, rpcUrls) },
      rpcRequestsPerSecond: ofChain(read, "RPC_REQUESTS_PER_SECOND", chainId),
      rpcMaxBlocks: ofChain(read, "RPC_MAX_BLOCKS_PER_REQUEST", chainId),
      rpcMaxAddresses: ofChain(read, "RPC_MAX_ADDRESSES_PER_REQUEST", chainId),
    };
  });
  rejectRepeats(chains, read.isSet("DEPLOYMENTS") ? "DEPLOYMENTS" : "CONTRACT_ADDRESS", read);
  return chains;
});

/** The same; null when the environment says nothing about where a chain is. */
export const optionalChainSection: Section<Chain[] | null> = {
  variables: chainSection.variables,
  parse: (env) => (namesNoChain(env) ? null : chainSection.parse(env)),
};

/** @throws ConfigError with every problem found */
export function parseChains(env: Env): Chain[] {
  return chainSection.parse(env);
}

/** True when the environment says nothing about where a chain is: the local one serves then. */
export function namesNoChain(env: Env): boolean {
  return !Object.entries(env).some(
    ([name, value]) =>
      value !== undefined &&
      value !== "" &&
      (/^RPC_URL(_\d+)?$/.test(name) || NAMES_A_CHAIN.has(name)),
  );
}

function namedDeployments(read: Reader): ChainDeployment[] {
  if (read.isSet("DEPLOYMENTS")) return read.get("DEPLOYMENTS") ?? [];
  const wanted = read.get("CHAIN_ID");
  if (read.isSet("CONTRACT_ADDRESS")) {
    const addresses = read.get("CONTRACT_ADDRESS") ?? [];
    const startBlock = read.get("START_BLOCK") ?? 0;
    if (!read.isSet("CHAIN_ID"))
      read.problem("CHAIN_ID", "CONTRACT_ADDRESS is set, so this must say on which chain");
    if (wanted === undefined) return [];
    const factories = addresses.map((factory) => ({ address: factory, startBlock }));
    return [{ name: `chain-${wanted}`, chainId: wanted, factories }];
  }
  if (read.isSet("START_BLOCK"))
    read.problem("START_BLOCK", "is the first block of CONTRACT_ADDRESS, which is not set");
  const chains = builtIn.filter((chain) => wanted === undefined || chain.chainId === wanted);
  if (chains.length === 0)
    read.problem(
      "CHAIN_ID",
      `no factory is known on chain ${wanted}; name one with CONTRACT_ADDRESS (known: ${builtIn.map((chain) => `${chain.chainId} ${chain.name}`).join(", ")})`,
    );
  return chains;
}

function rpcUrlsOf(read: Reader, { chainId, name }: ChainDeployment, chainCount: number): string[] {
  const own = `RPC_URL_${chainId}` as const;
  const hasOwn = read.isSet(own);
  if (!hasOwn && (chainCount > 1 || !read.isSet("RPC_URL"))) {
    const where = chainCount > 1 ? own : "RPC_URL";
    read.problem(where, `no RPC endpoint for chain ${chainId} (${name})`);
    return [];
  }
  return (hasOwn ? read.getForChain("RPC_URL", chainId) : read.get("RPC_URL")) ?? [];
}

/** What is set for that chain, or for all. */
function ofChain<
  N extends
    | "RPC_REQUESTS_PER_SECOND"
    | "RPC_MAX_BLOCKS_PER_REQUEST"
    | "RPC_MAX_ADDRESSES_PER_REQUEST"
    | "RPC_AGREE",
>(read: Reader, name: N, chainId: number): VariableValue<N> {
  return read.isSet(`${name}_${chainId}`) ? read.getForChain(name, chainId) : read.get(name);
}

/** An endpoint that is named twice is one. */
function agreeOf(read: Reader, chainId: number, rpcUrls: readonly string[]): number {
  const agree = ofChain(read, "RPC_AGREE", chainId);
  const endpoints = new Set(rpcUrls).size;
  if (endpoints > 0 && agree > endpoints)
    read.problem(
      read.isSet(`RPC_AGREE_${chainId}`) ? `RPC_AGREE_${chainId}` : "RPC_AGREE",
      `${agree} endpoints cannot agree: chain ${chainId} has ${endpoints}`,
    );
  return agree;
}

function rejectRepeats(chains: Chain[], where: string, read: Reader): void {
  for (const key of ["name", "chainId"] as const) {
    const values = chains.map((chain) => String(chain[key]));
    for (const value of new Set(values.filter((one, at) => values.indexOf(one) !== at)))
      read.problem(where, `${key} ${value} is there twice`);
  }
  for (const { name, factories } of chains)
    for (const { address } of factories.filter(isRepeated))
      read.problem(where, `factory ${address} is there twice for chain ${name}`);
}

/** Whether an earlier one is followed in the same revision: its events would come twice. */
function isRepeated(
  { address, revision }: FactoryDeployment,
  at: number,
  factories: FactoryDeployment[],
): boolean {
  return factories
    .slice(0, at)
    .some(
      (other) =>
        other.address.toLowerCase() === address.toLowerCase() &&
        (other.revision ?? revision) === (revision ?? other.revision),
    );
}
