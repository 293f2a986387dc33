import type { Chain } from "../../config/chain-deployment.ts";
import { ConfigError } from "../../config/config-error.ts";
import type { ChainSource } from "../../source/chain-source.ts";
import { RpcProblem } from "../../source/rpc-problem.ts";
import type { ChainJob } from "./audit-job.ts";
import { FollowedContracts } from "./followed-contracts.ts";

/**
 * Blocks after which the engine calls one final (ponder 0.17, `src/utils/finality.ts`): for
 * endpoints that do not know the tag.
 */
const FINALITY_BLOCKS = new Map([
  ...[1, 3, 4, 5, 42, 11155111].map((id) => [id, 65] as const),
  ...[137, 80001].map((id) => [id, 200] as const),
  ...[42161, 42170, 421611, 421613].map((id) => [id, 240] as const),
]);
const OTHER_FINALITY_BLOCKS = 30;

/**
 * Chooses the blocks that can be audited: from the first that is followed to the last that is final
 * for the chain and for the indexer alike.
 *
 * @param storeFinal the last final block that was indexed; undefined when the chain is not indexed
 * @throws ConfigError when there is no such block, or an option asks for others
 */
export async function chooseRange(
  chain: Pick<Chain, "chainId" | "name" | "factories">,
  source: ChainSource,
  storeFinal: number | undefined,
  asked: { fromBlock: number | null; toBlock: number | null },
): Promise<ChainJob> {
  const { chainId, name, factories } = chain;
  const where = `chain ${chainId} (${name})`;
  if (storeFinal === undefined)
    throw problem(where, "the event store does not know this chain; is it the live build's?");
  await checkChainId(chainId, source, where);
  const { start } = new FollowedContracts(chain);
  const final = await lastFinalBlock(chainId, source);
  const last = Math.min(final.block, storeFinal);
  const by = final.block <= storeFinal ? final.by : "the indexer's finalized checkpoint";
  const from = Math.max(start, asked.fromBlock ?? start);
  const to = asked.toBlock ?? last;
  if (to > last)
    throw problem(
      "--to-block",
      `block ${to} of ${where} is not final, or not indexed: ${last} is the last (by ${by})`,
      true,
    );
  if (from > to)
    throw problem(
      asked.fromBlock === null && asked.toBlock === null ? where : "--from-block",
      `there is no final block to audit from ${from} to ${to}`,
      true,
    );
  return {
    chainId,
    name,
    factories,
    from,
    to,
    finality: asked.toBlock === null ? by : "--to-block",
  };
}

async function checkChainId(chainId: number, source: ChainSource, where: string): Promise<void> {
  for (const { host, chainId: id, problem: why, kind } of await source.identify()) {
    if (id === null) throw new RpcProblem(kind ?? "transient", why);
    if (id !== chainId) throw problem(where, `the RPC endpoint ${host} is of chain ${id}`);
  }
}

async function lastFinalBlock(
  chainId: number,
  source: ChainSource,
): Promise<{ block: number; by: string }> {
  const head = Number((await source.head()).number);
  const final = await source.finalized();
  if (final !== null) return { block: Number(final.number), by: "the chain's finalized tag" };
  const depth = FINALITY_BLOCKS.get(chainId) ?? OTHER_FINALITY_BLOCKS;
  return { block: head - depth, by: `a depth of ${depth} blocks` };
}

function problem(where: string, what: string, mayPass = false): ConfigError {
  return new ConfigError([{ where, what, mayPass }]);
}
