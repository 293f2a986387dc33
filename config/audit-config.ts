import type { Chain } from "./chain-deployment.ts";
import { ConfigError } from "./config-error.ts";
import { chainSection } from "./parse-chains.ts";
import { type Env, type Section, section } from "./section.ts";

/** How far the endpoint is from the one that the indexer reads. */
type Independence = "independent" | "same RPC as the indexer" | "indexer's RPC not known";

/** A chain and the endpoint that it is audited through. */
export type AuditedChain = Chain & { url: string; independence: Independence };

export type AuditConfig = {
  chains: AuditedChain[];
  requestsPerSecond: number;
  timeoutMs: number;
};

/**
 * What is audited, and through which endpoint: `AUDIT_RPC_URL_<chain id>`, or `AUDIT_RPC_URL` while
 * only one chain is followed, or else the indexer's. With several chains `AUDIT_RPC_URL` is an
 * error: which of them it is for, nobody could tell.
 */
export const auditSection: Section<AuditConfig> = {
  variables: [
    ...chainSection.variables,
    ...(["AUDIT_RPC_URL", "AUDIT_RPC_REQUESTS_PER_SECOND", "AUDIT_RPC_TIMEOUT_SECONDS"] as const),
  ],
  parse: (env) => {
    // Who audits need not know the indexer's endpoints.
    const standIns = Object.fromEntries(
      Object.entries(env).flatMap(([name, value]) =>
        name.startsWith("AUDIT_RPC_URL") ? [[name.replace("AUDIT_", ""), value]] : [],
      ),
    );
    // The audit asks one endpoint: nobody has to agree with it.
    const set = Object.fromEntries(
      Object.entries(env).filter(([name, value]) => value && !/^RPC_AGREE(_\d+)?$/.test(name)),
    );
    return endpointSection(chainSection.parse({ ...standIns, ...set }), set).parse(env);
  },
};

/**
 * @param wanted names or ids of chains; all when empty
 * @throws ConfigError with every one that is not followed
 */
export function chainsToAudit(
  chains: readonly AuditedChain[],
  wanted: readonly string[],
): AuditedChain[] {
  const isNamed = ({ chainId, name }: Chain, text: string): boolean =>
    text === name || text === String(chainId);
  const problems = wanted
    .filter((text) => !chains.some((chain) => isNamed(chain, text)))
    .map((text) => ({
      where: "--chain",
      what: `"${text}" is none of the chains that are followed: ${chains.map(({ chainId, name }) => `${chainId} ${name}`).join(", ")}`,
    }));
  if (problems.length > 0) throw new ConfigError(problems);
  return chains.filter(
    (chain) => wanted.length === 0 || wanted.some((text) => isNamed(chain, text)),
  );
}

function endpointSection(chains: Chain[], env: Env): Section<AuditConfig> {
  return section(
    ["AUDIT_RPC_URL", "AUDIT_RPC_REQUESTS_PER_SECOND", "AUDIT_RPC_TIMEOUT_SECONDS"],
    (read) => {
      if (read.isSet("AUDIT_RPC_URL") && chains.length > 1)
        read.problem(
          "AUDIT_RPC_URL",
          `is for one chain, and ${chains.length} are followed: set ${chains.map(({ chainId, name }) => `AUDIT_RPC_URL_${chainId} (${name})`).join(", ")} instead`,
        );
      const audited = chains.map((chain): AuditedChain => {
        const url = read.isSet(`AUDIT_RPC_URL_${chain.chainId}`)
          ? read.getForChain("AUDIT_RPC_URL", chain.chainId)
          : chains.length === 1
            ? read.get("AUDIT_RPC_URL")
            : undefined;
        const indexersIsKnown =
          env[`RPC_URL_${chain.chainId}`] ?? (chains.length === 1 ? env.RPC_URL : undefined);
        if (url === undefined)
          return {
            ...chain,
            url: firstHttp(chain.rpcUrls),
            independence: "same RPC as the indexer",
          };
        if (indexersIsKnown === undefined)
          return { ...chain, url, independence: "indexer's RPC not known" };
        const isSame = chain.rpcUrls.some((each) => new URL(each).host === new URL(url).host);
        return { ...chain, url, independence: isSame ? "same RPC as the indexer" : "independent" };
      });
      return {
        chains: audited,
        requestsPerSecond: read.get("AUDIT_RPC_REQUESTS_PER_SECOND"),
        timeoutMs: 1000 * read.get("AUDIT_RPC_TIMEOUT_SECONDS"),
      };
    },
  );
}

/** Over HTTP the provider can say how long to wait. */
function firstHttp(urls: readonly string[]): string {
  return urls.find((url) => url.startsWith("http")) ?? urls[0] ?? "";
}
