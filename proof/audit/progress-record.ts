import type { AuditJob } from "./audit-job.ts";
import type { Finding, FindingCounts, UnknownSignature } from "./finding.ts";
import type { Child } from "./followed-contracts.ts";
import type { HistoryHash } from "./history-hash.ts";

/** What one step found, besides what it read. */
type Found = {
  findings: Finding[];
  /** Findings beyond those that are listed. */
  more?: Partial<FindingCounts>;
  unknown: UnknownSignature[];
  /** Requests that the step needed. */
  requests: number;
};

/** Escrows announced before the range that is audited. */
export type DiscoveryRecord = {
  kind: "discovery";
  chainId: number;
  to: number;
  children: Child[];
  requests: number;
};

/** A range that was read from the chain and compared with the store. */
export type WindowRecord = Found & {
  kind: "window";
  chainId: number;
  from: number;
  to: number;
  lastHash: string;
  children: Child[];
  chain: HistoryHash;
  store: HistoryHash;
  byType: Record<string, number>;
  elsewhere: string[];
  isByTopic: boolean;
  escrowLogs: number;
  blooms: { examined: number; readWhole: number; areUsable: boolean };
};

/** A range that was read once more, by the escrows' addresses, for signatures that nobody knows. */
export type ScanRecord = Found & {
  kind: "scan";
  chainId: number;
  /** Escrows that are done, counted in the order of their announcement. */
  escrows: number;
  /** Of how many behind those which last block is read; null when none is under way. */
  underWay: { escrows: number; to: number } | null;
  escrowLogs: number;
};

/**
 * A step that is done. The first record is the job; every other one follows on the one before it of
 * its chain, so that a record that is lost shows.
 */
export type ProgressRecord =
  | { kind: "job"; version: number; job: AuditJob }
  | { kind: "resumed"; at: string }
  | DiscoveryRecord
  | WindowRecord
  | ScanRecord;

/** Raised when records change their form: older progress is not gone on with. */
export const PROGRESS_VERSION = 1;
