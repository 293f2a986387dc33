import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

export type RpcCall = { method: string; params: unknown[] };

export type CountingRpc = {
  url: string;
  /** Every call that came, in order. */
  calls: RpcCall[];
  /** Those of them that were refused. */
  refused: RpcCall[];
  stop(): Promise<void>;
};

/**
 * An RPC endpoint that passes calls on to another one and keeps count.
 *
 * @param isRefused calls that are answered with an error instead
 */
export async function countingRpc(
  target: string,
  isRefused: (call: RpcCall) => boolean,
): Promise<CountingRpc> {
  const calls: RpcCall[] = [];
  const refused: RpcCall[] = [];
  const server = createServer(async (request, response) => {
    const body = await text(request);
    const call = JSON.parse(body) as RpcCall & { id: number };
    calls.push({ method: call.method, params: call.params });
    response.setHeader("content-type", "application/json");
    if (isRefused(call)) {
      refused.push({ method: call.method, params: call.params });
      const error = { code: -32_000, message: "refused by the test" };
      response.end(JSON.stringify({ jsonrpc: "2.0", id: call.id, error }));
      return;
    }
    const headers = { "content-type": "application/json" };
    const answer = await fetch(target, { method: "POST", headers, body });
    response.end(await answer.text());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    refused,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
