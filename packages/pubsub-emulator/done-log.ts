import { renameSync, rmSync } from "node:fs";
import { RecordFile } from "./record-file.ts";
import { fromRanges, type SequenceRanges, toRanges } from "./sequence-ranges.ts";

const SNAPSHOT = 0;
const DONE = 1;
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
 * snapshot of the backlog, each later one a set of sequences that it is done with since (acknowledged with
 * nothing before them on their ordering key open, dead-lettered or expired).
 */
export class DoneLog {
  readonly #path: string;
  #file: RecordFile;
  #compactAbove = COMPACT_ABOVE_BYTES;

  private constructor(path: string, file: RecordFile) {
    this.#path = path;
    this.#file = file;
  }

  /** Starts the log of a new subscription, which owes everything from `upTo` on. */
  static create(path: string, upTo: number): DoneLog {
    const log = new DoneLog(path, RecordFile.open(path));
    log.rewrite({ upTo, open: [] });
    return log;
  }

  static recover(path: string): { log: DoneLog; backlog: Backlog } {
    let upTo = 0;
    let open = new Set<number>();
    const doneSince = new Set<number>();
    let end = 0;
    const file = RecordFile.recover(path, (record) => {
      const json = JSON.parse(record.toString("utf8", 1));
      if (record[0] === SNAPSHOT) {
        upTo = end = json.upTo;
        // 0.1 had another name for what is open.
        const { upTo: _, ...named } = json;
        const [ranges] = Object.values<SequenceRanges>(named);
        open = new Set(fromRanges(ranges ?? []));
        return;
      }
      for (const sequence of fromRanges(json)) {
        if (sequence < upTo) open.delete(sequence);
        else doneSince.add(sequence);
        end = Math.max(end, sequence + 1);
      }
    });
    const [oldest = upTo] = open;
    const owes = (sequence: number): boolean =>
      sequence < upTo ? open.has(sequence) : !doneSince.has(sequence);
    return { log: new DoneLog(path, file), backlog: { oldest, end, owes } };
  }

  /** Writes down sequences as done. Returns when the operating system has the record. */
  append(done: readonly number[]): void {
    const ranges = toRanges(done.toSorted((a, b) => a - b));
    this.#file.append(Buffer.from([DONE]), Buffer.from(JSON.stringify(ranges)));
  }

  /** Whether enough was appended since the last snapshot to make `rewrite` worth its cost. */
  get isDueForCompaction(): boolean {
    return this.#file.size > this.#compactAbove;
  }

  /** Replaces the log by a snapshot, in one step. */
  rewrite(backlog: { upTo: number; open: Iterable<number> }): void {
    const ranges: SequenceRanges = toRanges(backlog.open);
    const temporary = `${this.#path}.new`;
    rmSync(temporary, { force: true });
    const file = RecordFile.open(temporary);
    const snapshot = JSON.stringify({ upTo: backlog.upTo, open: ranges });
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
