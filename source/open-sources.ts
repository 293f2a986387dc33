import { toEventSelector } from "viem";
import { escrowAAbi } from "../abis/escrow-a.ts";
import { escrowBAbi } from "../abis/escrow-b.ts";
import { escrowFactoryAAbi } from "../abis/escrow-factory-a.ts";
import { escrowFactoryBAbi } from "../abis/escrow-factory-b.ts";
import type { Chain } from "../config/chain-deployment.ts";
import { ChainSource } from "./chain-source.ts";
import { type Clock, realClock } from "./request-pace.ts";
import { RpcEndpoint, type RpcSettings } from "./rpc-endpoint.ts";

/** The engine gives up after 10 s; whoever is slower than this is asked again elsewhere before. */
const TIMEOUT_MS = 8_000;
const TOPICS = [
  ...new Set(
    [escrowAAbi, escrowBAbi, escrowFactoryAAbi, escrowFactoryBAbi].flatMap((abi) =>
      abi.filter((item) => item.type === "event").map((event) => toEventSelector(event)),
    ),
  ),
];

/** What a source says that an operator should know, as it is seen. */
type Say = (event: string, text: string) => void;

/**
 * A verified source for each chain, over all its endpoints, at the pace that their provider allows.
 *
 * @param say called with what an operator should know, as it is seen
 */
export function openSources(
  chains: readonly Chain[],
  say: Say,
  clock: Clock = realClock,
): ChainSource[] {
  return chains.map((chain) =>
    openSource(chain, {
      ...{ requestsPerSecond: chain.rpcRequestsPerSecond, timeoutMs: TIMEOUT_MS, say, clock },
      ...{ maxBlocks: chain.rpcMaxBlocks, maxAddresses: chain.rpcMaxAddresses },
    }),
  );
}

/** A verified source of one chain, with settings of its own for the endpoints. */
export function openSource(
  chain: Pick<Chain, "chainId" | "factories" | "rpcUrls" | "rpcAgree"> & { rounds?: number },
  { say, ...settings }: Omit<RpcSettings, "url" | "say"> & { say: Say },
): ChainSource {
  const { chainId, factories, rpcUrls, rpcAgree: agree, rounds } = chain;
  const ofEndpoint = { ...settings, say: (text: string) => say("source.waiting", text) };
  return new ChainSource({
    ...{ chainId, agree, factories, topics: TOPICS, say },
    ...(rounds === undefined ? {} : { rounds }),
    ...(settings.clock === undefined ? {} : { clock: settings.clock }),
    endpoints: [...new Set(rpcUrls)].map((url) => new RpcEndpoint({ ...ofEndpoint, url })),
  });
}
