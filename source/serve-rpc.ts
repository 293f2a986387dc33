import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { answerEngine } from "./answer-engine.ts";
import type { ChainSource, ChainSourceStatus } from "./chain-source.ts";
import { RpcProblem } from "./rpc-problem.ts";

type Call = { id?: unknown; method?: unknown; params?: unknown };

/** Verified sources behind JSON-RPC on loopback. */
export type RpcServer = {
  /** Where a chain is answered for. */
  urlOf(chainId: number): string;
  /** By chain id. */
  status(): Record<number, ChainSourceStatus>;
  stop(): Promise<void>;
};

/** EIP-1474's internal error: nothing in the message reads like a limit that the engine knows. */
const INTERNAL_ERROR = -32_603;
const METHOD = /^[a-z]+_[A-Za-z]+$/;

/**
 * Serves the engine, which wants a URL, with what the sources have verified: `/<chain id>`. The same
 * question asked again while it is under way (the engine gives up after 10 s and asks again) waits
 * for the one answer.
 *
 * @param onHopeless called with a problem that asking again, as the engine does, cannot help
 */
export async function serveRpc(
  sources: readonly ChainSource[],
  onHopeless: (chainId: number, problem: RpcProblem) => void = () => undefined,
): Promise<RpcServer> {
  const byPath = new Map(sources.map((source) => [`/${source.chainId}`, source]));
  const inFlight = new Map<string, Promise<unknown>>();

  const answer = (source: ChainSource, { method, params = [] }: Call): Promise<unknown> => {
    if (typeof method !== "string" || !METHOD.test(method) || !Array.isArray(params))
      return Promise.reject(new Error("this is no JSON-RPC call"));
    const key = `${source.chainId} ${method} ${JSON.stringify(params)}`;
    const before = inFlight.get(key);
    if (before) return before;
    const now = answerEngine(source, method, params).finally(() => inFlight.delete(key));
    inFlight.set(key, now);
    return now;
  };
  const reply = async (source: ChainSource, call: Call): Promise<object> => {
    try {
      return { jsonrpc: "2.0", id: call.id ?? null, result: (await answer(source, call)) ?? null };
    } catch (error) {
      if (error instanceof RpcProblem && error.kind === "no-state")
        onHopeless(source.chainId, error);
      const message = `verified source: ${(error as Error).message}`;
      return { jsonrpc: "2.0", id: call.id ?? null, error: { code: INTERNAL_ERROR, message } };
    }
  };
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const source = byPath.get(request.url ?? "");
    if (source === undefined || request.method !== "POST")
      return void response.writeHead(404).end();
    const body = (await json(request)) as Call | Call[];
    const replies = Array.isArray(body)
      ? await Promise.all(body.map((call) => reply(source, call)))
      : await reply(source, body);
    response.setHeader("content-type", "application/json").end(JSON.stringify(replies));
  };

  const server = createServer((request, response) => {
    // Nobody but the engine asks, so a request that cannot be read is simply cut off.
    serve(request, response).catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    urlOf: (chainId) => `http://127.0.0.1:${port}/${chainId}`,
    status: () => Object.fromEntries(sources.map((source) => [source.chainId, source.status])),
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
