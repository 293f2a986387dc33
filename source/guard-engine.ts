import type { ChainSource } from "./chain-source.ts";
import { type RpcServer, serveRpc } from "./serve-rpc.ts";

/** The sources keep to the providers' pace themselves: the engine may ask as fast as it likes. */
const ENGINE_REQUESTS_PER_SECOND = 1_000;

/**
 * Puts verified sources between the engine and the endpoints: the engine, which reads its
 * configuration from the environment, is given the sources' addresses on loopback instead.
 *
 * @param env what the engine will read; changed
 */
export async function guardEngine(
  sources: readonly ChainSource[],
  env: NodeJS.ProcessEnv,
): Promise<RpcServer> {
  const server = await serveRpc(sources);
  for (const { chainId } of sources) env[`RPC_URL_${chainId}`] = server.urlOf(chainId);
  env.RPC_REQUESTS_PER_SECOND = String(ENGINE_REQUESTS_PER_SECOND);
  return server;
}
