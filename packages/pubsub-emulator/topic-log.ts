import { mkdirSync, readdirSync, rmSync, statSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { type MessageBatch, parseBatch, publishTimeOf } from "./message-batch.ts";
import { RecordFile, readRecords } from "./record-file.ts";

/** Where a topic keeps its messages for restarts and for seeking back. */
export interface TopicLog {
  /** The sequence the next message gets. */
  readonly nextSequence: number;
  append(batch: MessageBatch): void;
  /**
   * The batches kept, oldest first, from the one that holds `sequence` on, without those that were
   * published before `fromMs`.
   */
  read(sequence: number, fromMs?: number): Iterable<MessageBatch>;
  /** Forgets what is both below `sequence` and published before `timeMs`, in whole segments. */
  trim(sequence: number, timeMs: number): void;
  close(): void;
  /** Closes the log and deletes its files. */
  destroy(): void;
}

interface Segment {
  path: string;
  firstSequence: number;
  lastPublishTimeMs: number;
}

const SEGMENT_BYTES = 16 * 1024 * 1024;
const IDLE_SEGMENT_BYTES = 1024 * 1024;

/**
 * A topic's messages in files of about 16 MiB, each named after the first sequence in it. Only the
 * last one is written to; there is always one, so that its name tells the next sequence even when
 * everything older has been dropped.
 */
export class FileTopicLog implements TopicLog {
  readonly #directory: string;
  readonly #sealed: Segment[] = [];
  #active: Segment;
  #file: RecordFile;
  #nextSequence: number;

  /** Opens the log in `directory`, cutting off a record that was being written when a process died. */
  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true });
    const firsts = readdirSync(directory)
      .filter((name) => name.endsWith(".log"))
      .map((name) => Number(name.slice(0, -".log".length)))
      .sort((a, b) => a - b);
    this.#active = this.#segment(firsts.pop() ?? 0);
    for (const first of firsts) {
      const segment = this.#segment(first);
      const wholeBytes = readRecords(segment.path, (record) => {
        segment.lastPublishTimeMs = publishTimeOf(record);
      });
      // Only the last segment was being written to when a process died.
      if (wholeBytes < statSync(segment.path).size) throw new Error(`${segment.path} is damaged`);
      this.#sealed.push(segment);
    }
    this.#nextSequence = this.#active.firstSequence;
    this.#file = RecordFile.recover(this.#active.path, (record) => {
      const batch = parseBatch(record);
      this.#active.lastPublishTimeMs = batch.publishTimeMs;
      this.#nextSequence = batch.firstSequence + batch.messages.length;
    });
  }

  get nextSequence(): number {
    return this.#nextSequence;
  }

  append(batch: MessageBatch): void {
    if (this.#file.size >= SEGMENT_BYTES) this.#rotate(batch.firstSequence);
    this.#file.append(batch.record);
    this.#active.lastPublishTimeMs = batch.publishTimeMs;
    this.#nextSequence = batch.firstSequence + batch.messages.length;
  }

  *read(sequence: number, fromMs = 0): Iterable<MessageBatch> {
    const segments = [...this.#sealed, this.#active];
    for (const [index, segment] of segments.entries()) {
      const next = segments[index + 1];
      if (next !== undefined && next.firstSequence <= sequence) continue;
      if (segment.lastPublishTimeMs < fromMs) continue;
      const batches: MessageBatch[] = [];
      readRecords(segment.path, (record) => {
        if (publishTimeOf(record) < fromMs) return;
        const batch = parseBatch(record);
        if (batch.firstSequence + batch.messages.length > sequence) batches.push(batch);
      });
      yield* batches;
    }
  }

  trim(sequence: number, timeMs: number): void {
    const unneeded = (segment: Segment, end: number): boolean =>
      end <= sequence && segment.lastPublishTimeMs < timeMs;
    if (
      this.#file.size >= IDLE_SEGMENT_BYTES &&
      unneeded(this.#active, this.#nextSequence) &&
      this.#nextSequence > this.#active.firstSequence
    ) {
      this.#rotate(this.#nextSequence);
    }
    for (;;) {
      const [oldest, next = this.#active] = this.#sealed;
      if (oldest === undefined || !unneeded(oldest, next.firstSequence)) return;
      unlinkSync(oldest.path);
      this.#sealed.shift();
    }
  }

  close(): void {
    this.#file.close();
  }

  destroy(): void {
    this.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #rotate(firstSequence: number): void {
    const sealed = this.#active;
    const active = this.#segment(firstSequence);
    const file = RecordFile.open(active.path);
    this.#file.close();
    this.#sealed.push(sealed);
    this.#active = active;
    this.#file = file;
  }

  #segment(firstSequence: number): Segment {
    const path = join(this.#directory, `${String(firstSequence).padStart(16, "0")}.log`);
    return { path, firstSequence, lastPublishTimeMs: 0 };
  }
}
