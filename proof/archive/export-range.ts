import { ConfigError, type ConfigProblem } from "../../config/config-error.ts";
import type { DeployedChain, Deployment } from "../../engine/deployment/find-deployment.ts";
import { chainsInWords, namedChain } from "./named-chain.ts";

/** The blocks of a chain that are exported, both ends included. */
export type ExportRange = { chain: DeployedChain; fromBlock: number; toBlock: number };

export type WantedRange = {
  /** Ids or names; all chains when empty. */
  chains: string[];
  fromBlock: number | null;
  /** Without it, the last indexed block, or the last final one. */
  toBlock: number | null;
  onlyFinal: boolean;
};

/**
 * Works out which blocks of which chains to export.
 *
 * @throws ConfigError with everything that does not fit what is indexed
 */
export function exportRanges({ chains }: Deployment, wanted: WantedRange): ExportRange[] {
  const problems: ConfigProblem[] = [];
  const chosen = wanted.chains.length === 0 ? chains : namedChains(chains, wanted, problems);
  if (chosen.length > 1 && (wanted.fromBlock !== null || wanted.toBlock !== null))
    problems.push({
      where: "--from-block, --to-block",
      what: "several chains are exported, and a block number is of one: name it with --chain",
    });
  const ranges: (ExportRange & { last: number })[] = [];
  for (const chain of chosen) {
    const indexed = chain.indexedBlock;
    const last = wanted.onlyFinal ? Math.min(indexed, chain.finalBlock) : indexed;
    const [fromBlock, toBlock] = [wanted.fromBlock ?? 0, wanted.toBlock ?? last];
    ranges.push({ chain, last, fromBlock, toBlock });
  }
  for (const { chain, last, fromBlock, toBlock } of ranges) {
    if (toBlock > last)
      problems.push({
        where: "--to-block",
        what: `block ${toBlock} of chain ${chain.chainId} is not ${wanted.onlyFinal ? "final" : "indexed"}: the last one that is, is block ${last}`,
      });
    if (fromBlock > toBlock)
      problems.push({
        where: "--from-block",
        what: `block ${fromBlock} comes after block ${toBlock}, the last one of chain ${chain.chainId}`,
      });
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return ranges.map(({ chain, fromBlock, toBlock }) => ({ chain, fromBlock, toBlock }));
}

function namedChains(
  chains: DeployedChain[],
  wanted: WantedRange,
  problems: ConfigProblem[],
): DeployedChain[] {
  const named = new Set<DeployedChain>();
  for (const each of wanted.chains) {
    const chain = namedChain(chains, each);
    if (chain !== undefined) named.add(chain);
    else
      problems.push({
        where: "--chain",
        what: `"${each}" is not followed here (followed: ${chainsInWords(chains)})`,
      });
  }
  return chains.filter((chain) => named.has(chain));
}
