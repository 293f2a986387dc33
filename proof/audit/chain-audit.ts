import type { AuditedStore } from "./audited-store.ts";
import type { ChainProgress } from "./chain-progress.ts";
import type { ChainReader } from "./chain-reader.ts";
import type { DiscoveryRecord, ScanRecord, WindowRecord } from "./progress-record.ts";

/** One chain under audit: what it is read from, what it is compared with, and how far it is. */
export type ChainAudit = {
  progress: ChainProgress;
  reader: ChainReader;
  store: AuditedStore;
  /** Whether the bloom of every block is looked at, not only of some. */
  isThorough: boolean;
  /** With more escrows than that, their logs are read by topic. */
  manyEscrows?: number;
  /** Blocks to compare in one step, at the most. */
  blocksAtOnce?: number;
  /** Writes a step down; it counts from then on. */
  record: (step: DiscoveryRecord | WindowRecord | ScanRecord) => void;
  /** Ends the audit between two steps. */
  signal: AbortSignal;
};
