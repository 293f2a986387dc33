import { createPublicClient, http, type PublicClient, webSocket } from "viem";
import type { Chain } from "../../config/chain-deployment.ts";
import { ConfigError, type ConfigProblem } from "../../config/config-error.ts";

const TIMEOUT_MS = 10_000;

/**
 * Makes sure that every chain can be followed: at least one of its endpoints answers, those that
 * do answer for the right chain, and at each factory's address there is a contract.
 *
 * @param say called for an endpoint that does not answer while another one does
 * @throws ConfigError with every problem of every chain
 */
export async function checkChains(chains: Chain[], say: (text: string) => void): Promise<void> {
  const problems = (await Promise.all(chains.map((chain) => checkChain(chain, say)))).flat();
  if (problems.length > 0) throw new ConfigError(problems);
}

async function checkChain(chain: Chain, say: (text: string) => void): Promise<ConfigProblem[]> {
  const where = `chain ${chain.chainId} (${chain.name})`;
  const unreachable: string[] = [];
  let factories: ConfigProblem[] | null = null;
  for (const url of new Set(chain.rpcUrls)) {
    const client = connect(url);
    try {
      const id = await client.getChainId();
      if (id !== chain.chainId)
        return [
          { where, what: `the RPC endpoint ${hostOf(url)} is of chain ${id}`, code: "ES-CHAIN" },
        ];
      factories ??= await checkFactories(client, chain, where);
    } catch (error) {
      unreachable.push(`${hostOf(url)}: ${shortMessage(error)}`);
    }
  }
  if (factories === null)
    return [
      {
        where,
        what: `no RPC endpoint answers (${unreachable.join("; ")})`,
        code: "ES-RPC-UNREACHABLE",
      },
    ];
  for (const endpoint of unreachable) say(`${where}: an RPC endpoint does not answer, ${endpoint}`);
  return factories;
}

async function checkFactories(
  client: PublicClient,
  { factories }: Chain,
  where: string,
): Promise<ConfigProblem[]> {
  const head = Number(await client.getBlockNumber());
  const problems: ConfigProblem[] = [];
  for (const { address, startBlock } of factories) {
    const code = await client.getCode({ address });
    if (code === undefined || code === "0x")
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

function connect(url: string): PublicClient {
  const options = { timeout: TIMEOUT_MS, retryCount: 1 };
  return createPublicClient({
    transport: url.startsWith("ws") ? webSocket(url, options) : http(url, options),
  });
}

/** Endpoints carry their key in path or query: only the host is printed. */
function hostOf(url: string): string {
  return new URL(url).host;
}

function shortMessage(error: unknown): string {
  const { shortMessage: short, details } = error as { shortMessage?: string; details?: string };
  return [short, details].filter(Boolean).join(" ") || String(error);
}
