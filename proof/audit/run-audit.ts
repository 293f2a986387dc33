import type { AuditedChain } from "../../config/audit-config.ts";
import type { ChainSource } from "../../source/chain-source.ts";
import { RpcProblem } from "../../source/rpc-problem.ts";
import { auditChain } from "./audit-chain.ts";
import type { AuditRequest } from "./audit-job.ts";
import { chooseRange } from "./audit-range.ts";
import type { AuditedStore } from "./audited-store.ts";
import type { CertificateContent } from "./certificate.ts";
import type { ChainProgress } from "./chain-progress.ts";
import { ChainReader } from "./chain-reader.ts";
import { makeCertificate } from "./make-certificate.ts";
import type { ProgressFile } from "./progress-file.ts";
import { PROGRESS_VERSION } from "./progress-record.ts";
import { type AuditUnderWay, beginAudit, resumeAudit } from "./resume-audit.ts";
import { readingsDiffer } from "./scan-signatures.ts";

export type AuditOptions = {
  /** Name and version of this program. */
  tool: string;
  chains: { chain: AuditedChain; source: ChainSource }[];
  store: AuditedStore;
  file: ProgressFile;
  fromBlock: number | null;
  toBlock: number | null;
  thorough: boolean;
  /** First topics of signatures that are known to be none of ours. */
  allowedUnknown: ReadonlySet<string>;
  /** Findings of each kind that are named. */
  limit: number;
  manyEscrows?: number;
  blocksAtOnce?: number;
  signal: AbortSignal;
  say: (text: string) => void;
  onProgress: (chain: ChainProgress) => void;
};

/**
 * Audits every chain, going on where an audit of the same kind was ended. Every step is in the
 * progress file before the next one begins.
 *
 * @returns what there is to certify, whatever was found
 * @throws ConfigError, RpcProblem, or the signal's reason; what was read is kept for the next time
 */
export async function runAudit(options: AuditOptions): Promise<CertificateContent> {
  const { store, file, chains, signal } = options;
  const audit = resume(options) ?? (await begin(options));
  for (const progress of audit.chains) {
    const { source } = sourceOf(chains, progress.job.chainId);
    await auditChain({
      ...options,
      ...{ progress, reader: new ChainReader(source), store, signal, isThorough: options.thorough },
      record: (step) => {
        file.append(step);
        progress.apply(step);
        options.onProgress(progress);
      },
    });
    await conclude(options, progress);
  }
  const clients = new Map<number, string>();
  for (const { chain, source } of chains) clients.set(chain.chainId, await clientOf(source));
  return makeCertificate(audit, {
    tool: options.tool,
    finishedAt: new Date().toISOString(),
    rpcOf: (chainId) => {
      const { chain, source } = sourceOf(chains, chainId);
      const { independence } = chain;
      return { host: hostOf(source), client: clients.get(chainId) ?? "", independence };
    },
    allowedUnknown: options.allowedUnknown,
    outsiders: await store.ofOtherChains(await followedChains(options), options.limit),
  });
}

function resume(options: AuditOptions): AuditUnderWay | null {
  const { file, limit, say } = options;
  const audit = resumeAudit(file.read(), requestOf(options), limit);
  if (audit === null) return null;
  if (typeof audit === "string") {
    say(`${audit}: the audit begins again`);
    return null;
  }
  file.append({ kind: "resumed", at: new Date().toISOString() });
  audit.resumed += 1;
  const places = audit.chains.map(({ job, next }) => `chain ${job.chainId} at block ${next}`);
  say(`the audit of ${audit.job.startedAt} goes on: ${places.join(", ")}`);
  return audit;
}

async function begin(options: AuditOptions): Promise<AuditUnderWay> {
  const { chains, store, file, limit } = options;
  const final = await store.finalBlocks();
  const jobs = [];
  for (const { chain, source } of chains)
    jobs.push(await chooseRange(chain, source, final.get(chain.chainId), options));
  const startedAt = new Date().toISOString();
  const job = { request: requestOf(options), startedAt, chains: jobs };
  file.clear();
  file.append({ kind: "job", version: PROGRESS_VERSION, job });
  return beginAudit(job, limit);
}

function requestOf({ chains, store, thorough, fromBlock, toBlock }: AuditOptions): AuditRequest {
  return {
    schema: store.schema,
    thorough,
    chains: chains.map(({ chain: { chainId, factories }, source }) => ({
      ...{ chainId, factories, rpcHost: hostOf(source), fromBlock, toBlock },
    })),
  };
}

/** What shows only when all of a chain was read. Not a step: it is found again when gone on with. */
async function conclude({ store, limit }: AuditOptions, progress: ChainProgress): Promise<void> {
  const { job, findings, contracts } = progress;
  const contradiction = readingsDiffer(progress);
  if (contradiction) findings.add(contradiction);
  if (job.from !== contracts.start) return;
  const early = await store.before(job.chainId, job.from, limit);
  for (const { id, block } of early.first)
    findings.add({
      ...{ kind: "too-much", subject: id, block },
      detail: `it is from before block ${job.from}, the first that is followed`,
    });
  findings.countOnly({ "too-much": early.total - early.first.length });
}

/** All that are configured, also those that are not audited this time. */
async function followedChains({ store, chains }: AuditOptions): Promise<number[]> {
  return [...(await store.finalBlocks()).keys(), ...chains.map(({ chain }) => chain.chainId)];
}

async function clientOf(source: ChainSource): Promise<string> {
  try {
    return String(await source.other("web3_clientVersion", []));
  } catch (error) {
    if (error instanceof RpcProblem) return "unknown";
    throw error;
  }
}

/** The audit reads each chain from one endpoint. */
function hostOf(source: ChainSource): string {
  return source.status.endpoints[0]?.host ?? "";
}

function sourceOf(chains: AuditOptions["chains"], chainId: number) {
  const found = chains.find(({ chain }) => chain.chainId === chainId);
  if (found === undefined) throw new Error(`chain ${chainId} has no endpoint`);
  return found;
}
