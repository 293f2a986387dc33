import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { readChainFile } from "./chain-file.ts";
import { RecordedChain, type RpcRequest } from "./recorded-chain.ts";

/*
 * A JSON-RPC node in a process of its own that answers from a recorded chain (CHAIN_FILE), each
 * request after LATENCY_MS, however much the chain holds: every answer was made before the first
 * question. Tells its URL to the process that started it, and takes `{ head }` from it: blocks
 * beyond that do not exist yet.
 */

const latencyMs = Number(process.env.LATENCY_MS ?? "0");
const chain = new RecordedChain();
for await (const block of readChainFile(process.env.CHAIN_FILE ?? "")) chain.append(block);

const server = createServer(async (request, response) => {
  const body = (await json(request)) as RpcRequest | RpcRequest[];
  if (latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, latencyMs));
  response.setHeader("content-type", "application/json");
  response.end(
    Array.isArray(body)
      ? `[${body.map((each) => chain.answer(each)).join(",")}]`
      : chain.answer(body),
  );
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1");
await once(server, "listening");
const { port } = server.address() as AddressInfo;
process.on("message", ({ head }: { head: number }) => {
  chain.head = head;
  process.send?.({ head });
});
process.once("disconnect", () => process.exit(0));
process.send?.({ url: `http://127.0.0.1:${port}`, head: chain.head });
