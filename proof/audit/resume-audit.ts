import type { AuditJob, AuditRequest } from "./audit-job.ts";
import { canonicalJson } from "./canonical-json.ts";
import { BrokenProgress, ChainProgress } from "./chain-progress.ts";
import { PROGRESS_VERSION, type ProgressRecord } from "./progress-record.ts";

/** An audit under way: what it was asked to do and how far each chain is. */
export type AuditUnderWay = { job: AuditJob; chains: ChainProgress[]; resumed: number };

/** An audit that has not read anything yet. */
export function beginAudit(job: AuditJob, limit: number): AuditUnderWay {
  return { job, chains: job.chains.map((chain) => new ChainProgress(chain, limit)), resumed: 0 };
}

/**
 * Brings an audit back to where its records say that it is.
 *
 * @returns the audit, or in words why there is none to go on with; null when there are no records
 */
export function resumeAudit(
  records: readonly ProgressRecord[],
  request: AuditRequest,
  limit: number,
): AuditUnderWay | string | null {
  const [first, ...rest] = records;
  if (first === undefined) return null;
  if (first.kind !== "job" || first.version !== PROGRESS_VERSION)
    return "the progress is of another version";
  const { job } = first;
  const other = differenceOf(job.request, request);
  if (other !== null) return `the progress is of an audit with ${other}`;
  const audit = beginAudit(job, limit);
  try {
    for (const record of rest) apply(audit, record);
    return audit;
  } catch (error) {
    if (!(error instanceof BrokenProgress)) throw error;
    return `the progress is damaged (${error.message})`;
  }
}

function apply(audit: AuditUnderWay, record: ProgressRecord): void {
  if (record.kind === "resumed") audit.resumed += 1;
  else if (record.kind === "job") throw new BrokenProgress("a second beginning");
  else {
    const chain = audit.chains.find(({ job }) => job.chainId === record.chainId);
    if (chain === undefined) throw new BrokenProgress(`chain ${record.chainId}`);
    chain.apply(record);
  }
}

function differenceOf(before: AuditRequest, now: AuditRequest): string | null {
  if (canonicalJson(before) === canonicalJson(now)) return null;
  if (before.schema !== now.schema) return `another deployment (${before.schema})`;
  if (before.thorough !== now.thorough) return "another --thorough";
  return "other chains, blocks, factories or endpoints";
}
