import { z } from "zod";
import type { Chain } from "../../config/chain-deployment.ts";
import { ConfigError, type ConfigProblem } from "../../config/config-error.ts";
import { parseChains } from "../../config/parse-chains.ts";

type Env = Record<string, string | undefined>;

/** How far the endpoint is from the one that the indexer reads. */
type Independence = "independent" | "same RPC as the indexer" | "indexer's RPC not known";

/** A chain and the endpoint that it is audited through. */
export type AuditedChain = Chain & { url: string; independence: Independence };

export type AuditConfig = {
  chains: AuditedChain[];
  requestsPerSecond: number;
  timeoutMs: number;
};

const schema = z.object({
  AUDIT_RPC_REQUESTS_PER_SECOND: z.coerce
    .number("expected a number")
    .min(0.1, "expected 0.1 or more")
    .max(10_000, "expected 10000 or less")
    .default(20),
  AUDIT_RPC_TIMEOUT_SECONDS: z.coerce
    .number("expected a number of seconds")
    .min(1, "expected 1 or more")
    .max(600, "expected 600 or less")
    .default(30),
});
const endpoint = z.url({ protocol: /^(https?|wss?)$/, error: "expected one http(s) or ws(s) URL" });

/**
 * Reads what is audited, and through which endpoint: `AUDIT_RPC_URL_<chain id>`, or `AUDIT_RPC_URL`
 * while only one chain is followed, or else the indexer's. With several chains `AUDIT_RPC_URL` is an
 * error: which of them it is for, nobody could tell.
 *
 * @param only names or ids of the chains to audit; all that are followed when empty
 * @throws ConfigError with every problem found
 */
export function parseAuditConfig(env: Env, only: readonly string[] = []): AuditConfig {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value));
  const settings = schema.parse(set);
  // Who audits need not know the indexer's endpoints.
  const standIns = Object.fromEntries(
    Object.entries(set).flatMap(([name, value]) =>
      name.startsWith("AUDIT_RPC_URL") ? [[name.replace("AUDIT_", ""), value]] : [],
    ),
  );
  const chains = parseChains({ ...standIns, ...set });
  const problems: ConfigProblem[] = [];
  if (set.AUDIT_RPC_URL && chains.length > 1)
    problems.push({
      where: "AUDIT_RPC_URL",
      what: `is for one chain, and ${chains.length} are followed: set ${chains.map(({ chainId, name }) => `AUDIT_RPC_URL_${chainId} (${name})`).join(", ")} instead`,
    });
  for (const wanted of only)
    if (!chains.some((chain) => isNamed(chain, wanted)))
      problems.push({
        where: "--chain",
        what: `"${wanted}" is none of the chains that are followed: ${chains.map(({ chainId, name }) => `${chainId} ${name}`).join(", ")}`,
      });
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    chains: chains
      .filter((chain) => only.length === 0 || only.some((wanted) => isNamed(chain, wanted)))
      .map((chain) => withEndpoint(chain, set, chains.length)),
    requestsPerSecond: settings.AUDIT_RPC_REQUESTS_PER_SECOND,
    timeoutMs: 1000 * settings.AUDIT_RPC_TIMEOUT_SECONDS,
  };
}

function withEndpoint(chain: Chain, set: Env, chainCount: number): AuditedChain {
  const own = `AUDIT_RPC_URL_${chain.chainId}`;
  const variable = set[own] || chainCount > 1 ? own : "AUDIT_RPC_URL";
  const url = set[variable];
  const indexers = set[`RPC_URL_${chain.chainId}`] ?? (chainCount === 1 ? set.RPC_URL : undefined);
  if (url === undefined)
    return { ...chain, url: firstHttp(chain.rpcUrls), independence: "same RPC as the indexer" };
  const parsed = endpoint.safeParse(url.trim());
  if (!parsed.success)
    throw new ConfigError(
      parsed.error.issues.map(({ message }) => ({ where: variable, what: message })),
    );
  if (indexers === undefined)
    return { ...chain, url: parsed.data, independence: "indexer's RPC not known" };
  const isSame = chain.rpcUrls.some((each) => new URL(each).host === new URL(parsed.data).host);
  return {
    ...chain,
    url: parsed.data,
    independence: isSame ? "same RPC as the indexer" : "independent",
  };
}

/** Over HTTP the provider can say how long to wait. */
function firstHttp(urls: readonly string[]): string {
  return urls.find((url) => url.startsWith("http")) ?? urls[0] ?? "";
}

function isNamed({ chainId, name }: Chain, wanted: string): boolean {
  return wanted === name || wanted === String(chainId);
}
