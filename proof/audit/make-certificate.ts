import { newestVersions } from "../../src/events/upcast.ts";
import type { Outsiders } from "./audited-store.ts";
import type { CertificateContent, CertifiedChain } from "./certificate.ts";
import type { ChainProgress } from "./chain-progress.ts";
import type { UnknownSignature } from "./finding.ts";
import type { AuditUnderWay } from "./resume-audit.ts";

/** What the certificate says of an endpoint; of its URL the host alone. */
export type CertifiedRpc = { host: string; client: string; independence: string };

/**
 * Writes up an audit.
 *
 * @param allowedUnknown first topics of signatures that are known to be none of ours
 * @throws when a range was not read to its end: that is never certified
 */
export function makeCertificate(
  { job, chains, resumed }: AuditUnderWay,
  more: {
    tool: string;
    finishedAt: string;
    rpcOf: (chainId: number) => CertifiedRpc;
    allowedUnknown: ReadonlySet<string>;
    outsiders: Outsiders;
  },
): CertificateContent {
  const certified = chains.map((progress) =>
    certify(progress, more.rpcOf(progress.job.chainId), more.allowedUnknown),
  );
  const isComplete = certified.every(
    ({ counts, unknownSignatures, chain, store }) =>
      Object.values(counts).every((count) => count === 0) &&
      unknownSignatures.every(({ isAllowed }) => isAllowed) &&
      chain.sha256 === store.sha256,
  );
  return {
    kind: "escrow-stream audit certificate",
    version: 1,
    tool: more.tool,
    result: isComplete && more.outsiders.total === 0 ? "complete" : "findings",
    startedAt: job.startedAt,
    finishedAt: more.finishedAt,
    resumed,
    thorough: job.request.thorough,
    schema: job.request.schema,
    payloadVersions: newestVersions(),
    chains: certified,
    outsiders: { count: more.outsiders.total, first: more.outsiders.first },
  };
}

function certify(
  progress: ChainProgress,
  rpc: CertifiedRpc,
  allowedUnknown: ReadonlySet<string>,
): CertifiedChain {
  const { job, contracts, findings, chain, store, byType, blooms } = progress;
  if (!progress.isDone)
    throw new Error(`chain ${job.chainId} was read to block ${progress.next - 1} of ${job.to}`);
  return {
    chainId: job.chainId,
    name: job.name,
    factories: job.factories,
    range: {
      from: job.from,
      to: job.to,
      lastBlockHash: progress.lastHash,
      isWholeHistory: job.from === contracts.start,
      finality: job.finality,
    },
    rpc: { ...rpc, requests: progress.requests },
    escrows: contracts.children.length,
    ...{ chain, store, eventsByType: byType, blooms },
    counts: { ...findings.counts },
    findings: findings.list(),
    unknownSignatures: findings.unknown.map((signature) => ({
      ...signature,
      isAllowed: isAllowed(signature, allowedUnknown),
    })),
  };
}

function isAllowed({ topic0 }: UnknownSignature, allowed: ReadonlySet<string>): boolean {
  return allowed.has(topic0);
}
