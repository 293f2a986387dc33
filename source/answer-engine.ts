import type { Hex } from "../src/events/escrow-event.ts";
import type { ChainSource } from "./chain-source.ts";
import type { RawLogFilter } from "./check-logs.ts";
import type { ContractCall } from "./state-source.ts";

/**
 * Answers a JSON-RPC question of the engine out of a verified source. What decides rows is checked
 * (blocks and logs), or of the very block that was asked for (contracts); the rest is passed on.
 *
 * @throws RpcProblem
 */
export async function answerEngine(
  source: ChainSource,
  method: string,
  params: readonly unknown[],
): Promise<unknown> {
  const [first, second] = params;
  const isFull = second === true;
  switch (method) {
    case "eth_chainId":
      return `0x${source.chainId.toString(16)}`;
    case "eth_blockNumber":
      return (await source.head()).number;
    case "eth_getBlockByHash":
      return source.withReliableBloom((await source.block({ hash: first as Hex }, isFull)).block);
    case "eth_getBlockByNumber": {
      if (first === "latest") return source.withReliableBloom(await source.head(isFull));
      if (typeof first !== "string" || !first.startsWith("0x"))
        return await source.other(method, [...params]);
      const { block } = await source.block({ number: Number(first) }, isFull);
      return source.withReliableBloom(block);
    }
    case "eth_getLogs":
      return await source.logs(first as RawLogFilter);
    case "eth_call": {
      const { blockHash } = (second ?? {}) as { blockHash?: Hex };
      if (blockHash === undefined) return await source.other(method, [...params]);
      return await source.word(first as ContractCall, blockHash);
    }
    default:
      return await source.other(method, [...params]);
  }
}
