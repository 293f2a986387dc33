import type { Chain } from "../config/chain-deployment.ts";
import { openSources } from "./open-sources.ts";
import { type RpcServer, serveRpc } from "./serve-rpc.ts";

/** The sources keep to the providers' pace themselves: the engine may ask as fast as it likes. */
const ENGINE_REQUESTS_PER_SECOND = 1_000;

/**
 * Puts verified sources between the engine and the endpoints: the engine, which reads its
 * configuration from the environment, is given the sources' addresses on loopback instead.
 *
 * @param env what the engine will read; changed
 * @param say called with what an operator should know, as it is seen
 */
export async function guardEngine(
  chains: readonly Chain[],
  env: NodeJS.ProcessEnv,
  say: (event: string, text: string) => void,
): Promise<RpcServer> {
  const server = await serveRpc(openSources(chains, say));
  for (const { chainId } of chains) env[`RPC_URL_${chainId}`] = server.urlOf(chainId);
  env.RPC_REQUESTS_PER_SECOND = String(ENGINE_REQUESTS_PER_SECOND);
  return server;
}
