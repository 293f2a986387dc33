import type { AuditConfig, AuditedChain } from "../../config/audit-config.ts";
import { ConfigError } from "../../config/config-error.ts";
import manifest from "../../package.json" with { type: "json" };
import type { ChainSource } from "../../source/chain-source.ts";
import { AuditedStore } from "./audited-store.ts";
import { type CertificateContent, writeCertificate } from "./certificate.ts";
import { openAuditSource } from "./open-audit-source.ts";
import { ProgressFile } from "./progress-file.ts";
import type { ProgressLine } from "./progress-line.ts";
import { type AuditOptions, runAudit } from "./run-audit.ts";

type Wanted = Pick<
  AuditOptions,
  "fromBlock" | "toBlock" | "thorough" | "allowedUnknown" | "limit"
> & {
  /** The certificate's file; beside it `<out>.progress`, until it is written. */
  out: string;
};

/**
 * Audits every chain and writes the certificate. What was read is kept beside it until then: the
 * same audit goes on from there.
 *
 * @returns the certificate; null when `signal` ended it
 * @throws ConfigError, RpcProblem
 */
export async function auditToFile(
  databaseUrl: string,
  { chains, requestsPerSecond, timeoutMs }: AuditConfig,
  { out, ...wanted }: Wanted,
  line: ProgressLine,
  signal: AbortSignal,
): Promise<CertificateContent | null> {
  const store = await AuditedStore.open(databaseUrl);
  try {
    const file = openProgress(`${out}.progress`);
    try {
      for (const chain of chains.filter(({ independence }) => independence !== "independent"))
        line.say(`chain ${chain.chainId}: ${chain.independence}: weaker proof`);
      const sourceOf = (chain: AuditedChain): ChainSource =>
        openAuditSource(chain, { requestsPerSecond, timeoutMs, say: line.say });
      const certificate = await runAudit({
        ...wanted,
        tool: `${manifest.name} ${manifest.version}`,
        chains: chains.map((chain) => ({ chain, source: sourceOf(chain) })),
        ...{ store, file, signal, say: line.say, onProgress: line.show },
      });
      writeCertificate(out, certificate);
      file.remove();
      return certificate;
    } catch (error) {
      line.end();
      line.say(`what was read is kept in ${file.path}; the same command goes on from there`);
      if (signal.aborted) return null;
      throw error;
    }
  } finally {
    await store.close();
  }
}

function openProgress(path: string): ProgressFile {
  try {
    return new ProgressFile(path);
  } catch (error) {
    const what = `${path} cannot be written: ${(error as Error).message}`;
    throw new ConfigError([{ where: "--out", what }], { cause: error });
  }
}
