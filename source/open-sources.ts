import { toEventSelector } from "viem";
import { escrowAAbi } from "../abis/escrow-a.ts";
import { escrowBAbi } from "../abis/escrow-b.ts";
import { escrowFactoryAAbi } from "../abis/escrow-factory-a.ts";
import { escrowFactoryBAbi } from "../abis/escrow-factory-b.ts";
import type { Chain } from "../config/chain-deployment.ts";
import { ChainSource } from "./chain-source.ts";
import { type Clock, realClock } from "./request-pace.ts";
import { RpcEndpoint } from "./rpc-endpoint.ts";

/** The engine gives up after 10 s; whoever is slower than this is asked again elsewhere before. */
const TIMEOUT_MS = 8_000;
const TOPICS = [
  ...new Set(
    [escrowAAbi, escrowBAbi, escrowFactoryAAbi, escrowFactoryBAbi].flatMap((abi) =>
      abi.filter((item) => item.type === "event").map((event) => toEventSelector(event)),
    ),
  ),
];

/**
 * A verified source for each chain, over all its endpoints, at the pace that their provider allows.
 *
 * @param say called with what an operator should know, as it is seen
 */
export function openSources(
  chains: readonly Chain[],
  say: (event: string, text: string) => void,
  clock: Clock = realClock,
): ChainSource[] {
  return chains.map(
    (chain) =>
      new ChainSource({
        chainId: chain.chainId,
        endpoints: [...new Set(chain.rpcUrls)].map(
          (url) =>
            new RpcEndpoint({
              url,
              requestsPerSecond: chain.rpcRequestsPerSecond,
              maxBlocks: chain.rpcMaxBlocks,
              maxAddresses: chain.rpcMaxAddresses,
              timeoutMs: TIMEOUT_MS,
              say: (text) => say("source.waiting", text),
              clock,
            }),
        ),
        agree: chain.rpcAgree,
        factories: chain.factories,
        topics: TOPICS,
        say,
        clock,
      }),
  );
}
