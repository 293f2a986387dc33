import type { AuditedChain } from "../../config/audit-config.ts";
import type { ChainSource } from "../../source/chain-source.ts";
import { openSource } from "../../source/open-sources.ts";
import type { RpcSettings } from "../../source/rpc-endpoint.ts";

/** More patient than those that a live indexer asks: an audit that gives up begins where it was. */
const ROUNDS = 15;

/** A verified source over the one endpoint that a chain is audited through, at the audit's own pace. */
export function openAuditSource(
  { chainId, factories, url }: AuditedChain,
  { say = () => undefined, ...settings }: Omit<RpcSettings, "url">,
): ChainSource {
  return openSource(
    { chainId, factories, rpcUrls: [url], rounds: ROUNDS },
    { ...settings, say: (_, text) => say(text) },
  );
}
