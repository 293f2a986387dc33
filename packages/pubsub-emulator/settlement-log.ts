import { renameSync, rmSync } from "node:fs";
import { RecordFile } from "./record-file.ts";
import { fromRanges, type SequenceRanges, toRanges } from "./sequence-ranges.ts";

const SNAPSHOT = 0;
const SETTLED = 1;
const COMPACT_ABOVE_BYTES = 1024 * 1024;

/** What a subscription still owed when its server went away. */
export interface Backlog {
  /** No sequence below this one is owed. */
  readonly oldest: number;
  /** Above every sequence the log speaks of. */
  readonly end: number;
  owes(sequence: number): boolean;
}

/**
 * Which messages of the topic a subscription is done with, across restarts. The first record is a
 * snapshot of the backlog, each later one a set of sequences that were settled (acknowledged with
 * nothing before them on their ordering key open, dead-lettered or expired).
 */
export class SettlementLog {
  readonly #path: string;
  #file: RecordFile;
  #compactAbove = COMPACT_ABOVE_BYTES;

  private constructor(path: string, file: RecordFile) {
    this.#path = path;
    this.#file = file;
  }

  /** Starts the log of a new subscription, which owes everything from `upTo` on. */
  static create(path: string, upTo: number): SettlementLog {
    const log = new SettlementLog(path, RecordFile.open(path));
    log.rewrite({ upTo, unsettled: [] });
    return log;
  }

  static recover(path: string): { log: SettlementLog; backlog: Backlog } {
    let upTo = 0;
    let unsettled = new Set<number>();
    const settledSince = new Set<number>();
    let end = 0;
    const file = RecordFile.recover(path, (record) => {
      const json = JSON.parse(record.toString("utf8", 1));
      if (record[0] === SNAPSHOT) {
        upTo = end = json.upTo;
        unsettled = new Set(fromRanges(json.unsettled));
        return;
      }
      for (const sequence of fromRanges(json)) {
        if (sequence < upTo) unsettled.delete(sequence);
        else settledSince.add(sequence);
        end = Math.max(end, sequence + 1);
      }
    });
    const [oldest = upTo] = unsettled;
    const owes = (sequence: number): boolean =>
      sequence < upTo ? unsettled.has(sequence) : !settledSince.has(sequence);
    return { log: new SettlementLog(path, file), backlog: { oldest, end, owes } };
  }

  /** Notes sequences as settled. Returns when the operating system has the record. */
  append(settled: readonly number[]): void {
    const ranges = toRanges(settled.toSorted((a, b) => a - b));
    this.#file.append(Buffer.from([SETTLED]), Buffer.from(JSON.stringify(ranges)));
  }

  /** Whether enough was appended since the last snapshot to make `rewrite` worth its cost. */
  get isDueForCompaction(): boolean {
    return this.#file.size > this.#compactAbove;
  }

  /** Replaces the log by a snapshot, in one step. */
  rewrite(backlog: { upTo: number; unsettled: Iterable<number> }): void {
    const ranges: SequenceRanges = toRanges(backlog.unsettled);
    const temporary = `${this.#path}.new`;
    rmSync(temporary, { force: true });
    const file = RecordFile.open(temporary);
    const snapshot = JSON.stringify({ upTo: backlog.upTo, unsettled: ranges });
    file.append(Buffer.from([SNAPSHOT]), Buffer.from(snapshot));
    renameSync(temporary, this.#path);
    this.#file.close();
    this.#file = file;
    this.#compactAbove = COMPACT_ABOVE_BYTES + 2 * file.size;
  }

  close(): void {
    this.#file.close();
  }

  destroy(): void {
    this.close();
    rmSync(this.#path, { force: true });
  }
}
