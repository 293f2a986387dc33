import type { ChainJob } from "./audit-job.ts";
import { Findings } from "./finding.ts";
import { FollowedContracts } from "./followed-contracts.ts";
import { EMPTY_HISTORY, type HistoryHash } from "./history-hash.ts";
import type { DiscoveryRecord, ScanRecord, WindowRecord } from "./progress-record.ts";

/** Recorded steps do not follow on each other: the progress cannot be gone on with. */
export class BrokenProgress extends Error {
  override name = "BrokenProgress";
}

type StepRecord = DiscoveryRecord | WindowRecord | ScanRecord;

/**
 * How far the audit of a chain is, and what it found. It changes by records alone, so that it is
 * the same whether they were just made or read back.
 */
export class ChainProgress {
  readonly job: ChainJob;
  readonly contracts: FollowedContracts;
  readonly findings: Findings;
  readonly byType: Record<string, number> = {};
  readonly blooms = { examined: 0, readWhole: 0, areUsable: true };
  chain: HistoryHash = EMPTY_HISTORY;
  store: HistoryHash = EMPTY_HISTORY;
  requests = 0;
  lastHash = "";
  /** First block that is still to be searched for announcements, before the audited range. */
  nextToDiscover: number;
  /** First block that is still to be compared. */
  next: number;
  /** The first block in which the escrows' logs were read by topic; null while none was. */
  firstByTopic: number | null = null;
  /** Logs of escrows read by topic, and those that the scan by address found again. */
  readonly escrowLogs = { byTopic: 0, byAddress: 0 };
  scanned: Pick<ScanRecord, "escrows" | "underWay"> = { escrows: 0, underWay: null };
  readonly #elsewhere = new Set<string>();

  /** @param limit findings to keep of each kind */
  constructor(job: ChainJob, limit: number) {
    this.job = job;
    this.contracts = new FollowedContracts(job);
    this.findings = new Findings(limit);
    this.nextToDiscover = Math.min(this.contracts.start, job.from);
    this.next = job.from;
  }

  get isCompared(): boolean {
    return this.next > this.job.to;
  }

  /** Whether everything that the job asks for was read. */
  get isDone(): boolean {
    const needsScan = this.firstByTopic !== null;
    return (
      this.isCompared && (!needsScan || this.scanned.escrows === this.contracts.children.length)
    );
  }

  /** @throws BrokenProgress when the step does not follow on the last one */
  apply(record: StepRecord): void {
    if (record.kind === "discovery") this.#discovered(record);
    else {
      if (record.kind === "window") this.#compared(record);
      else this.#scanned(record);
      for (const id of record.kind === "window" ? record.elsewhere : []) {
        this.#elsewhere.add(id);
        this.findings.isDifferingInstead(id);
      }
      for (const finding of record.findings)
        if (finding.kind !== "too-much" || !this.#elsewhere.has(finding.subject))
          this.findings.add(finding);
      this.findings.countOnly(record.more ?? {});
      for (const signature of record.unknown) this.findings.addUnknown(signature);
    }
    this.requests += record.requests;
  }

  #discovered({ to, children }: DiscoveryRecord): void {
    if (to < this.nextToDiscover || to >= this.job.from)
      throw new BrokenProgress(`discovery to block ${to}`);
    for (const child of children) this.contracts.announce(child);
    this.nextToDiscover = to + 1;
  }

  #compared(record: WindowRecord): void {
    const { from, to } = record;
    const isNext = from === this.next && to >= from && to <= this.job.to;
    if (!isNext || this.nextToDiscover !== this.job.from)
      throw new BrokenProgress(`blocks ${from} to ${to} after block ${this.next - 1}`);
    for (const child of record.children) this.contracts.announce(child);
    this.next = to + 1;
    this.lastHash = record.lastHash;
    this.chain = record.chain;
    this.store = record.store;
    for (const [type, count] of Object.entries(record.byType))
      this.byType[type] = (this.byType[type] ?? 0) + count;
    this.blooms.examined += record.blooms.examined;
    this.blooms.readWhole += record.blooms.readWhole;
    this.blooms.areUsable &&= record.blooms.areUsable;
    if (!record.isByTopic) return;
    this.firstByTopic ??= from;
    this.escrowLogs.byTopic += record.escrowLogs;
  }

  #scanned({ escrows, underWay, escrowLogs }: ScanRecord): void {
    if (!this.isCompared || escrows < this.scanned.escrows)
      throw new BrokenProgress(`a scan of ${escrows} escrows after ${this.scanned.escrows}`);
    this.scanned = { escrows, underWay };
    this.escrowLogs.byAddress += escrowLogs;
  }
}
