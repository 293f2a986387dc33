import type { Chain } from "../../config/chain-deployment.ts";
import { ConfigError, type ConfigProblem } from "../../config/config-error.ts";

/** What is asked of a chain's endpoints before anything starts; a verified source answers it. */
export type ChainToCheck = {
  chainId: number;
  /** Each endpoint: which chain it is of; null and the reason when it does not answer. */
  identify(): Promise<{ host: string; chainId: number | null; problem: string }[]>;
  head(): Promise<{ number: string }>;
  /** A question whose answer is believed. */
  other(method: string, params: unknown[]): Promise<unknown>;
};

/**
 * Makes sure that every chain can be followed: at least one of its endpoints answers, those that
 * do answer for the right chain, and at each factory's address there is a contract.
 *
 * @param sources one for each chain, in any order
 * @param say called for an endpoint that does not answer while another one does
 * @throws ConfigError with every problem of every chain
 */
export async function checkChains(
  chains: readonly Chain[],
  sources: readonly ChainToCheck[],
  say: (text: string) => void,
): Promise<void> {
  const problems = await Promise.all(
    chains.map(async (chain) => {
      const source = sources.find(({ chainId }) => chainId === chain.chainId);
      return source === undefined ? [] : await checkChain(chain, source, say);
    }),
  );
  if (problems.flat().length > 0) throw new ConfigError(problems.flat());
}

async function checkChain(
  chain: Chain,
  source: ChainToCheck,
  say: (text: string) => void,
): Promise<ConfigProblem[]> {
  const where = `chain ${chain.chainId} (${chain.name})`;
  const endpoints = await source.identify();
  const wrong = endpoints.filter((each) => ![null, chain.chainId].includes(each.chainId));
  if (wrong.length > 0)
    return wrong.map(({ host, chainId }) => ({
      ...{ where, what: `the RPC endpoint ${host} is of chain ${chainId}`, code: "ES-CHAIN" },
    }));
  const silent = endpoints.filter(({ chainId }) => chainId === null);
  if (silent.length === endpoints.length)
    return [noneAnswers(where, silent.map(({ problem }) => problem).join("; "))];
  for (const { problem } of silent) say(`${where}: an RPC endpoint does not answer, ${problem}`);
  try {
    return await checkFactories(source, chain, where);
  } catch (error) {
    return [noneAnswers(where, (error as Error).message)];
  }
}

function noneAnswers(where: string, why: string): ConfigProblem {
  return { where, what: `no RPC endpoint answers (${why})`, code: "ES-RPC-UNREACHABLE" };
}

async function checkFactories(
  source: ChainToCheck,
  { factories }: Chain,
  where: string,
): Promise<ConfigProblem[]> {
  const head = Number((await source.head()).number);
  const problems: ConfigProblem[] = [];
  for (const { address, startBlock } of factories) {
    const code = await source.other("eth_getCode", [address, "latest"]);
    if (code === null || code === "0x")
      problems.push({
        where,
        what: `there is no contract at the factory's address ${address}`,
        code: "ES-CHAIN",
      });
    if (startBlock > head)
      problems.push({
        where,
        what: `start block ${startBlock} of ${address} lies ahead of the chain's head ${head}`,
        code: "ES-CHAIN",
      });
  }
  return problems;
}
