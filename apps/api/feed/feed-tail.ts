import type { EventLog } from "../../../config/event-log.ts";
import { problemOfError } from "../read/problem-of-error.ts";
import type { CaptureHint } from "./capture-hint.ts";
import { type FeedEntry, feedEntries } from "./feed-entry.ts";
import type { FeedBounds } from "./feed-row.ts";
import type { FeedSource } from "./feed-source.ts";
import { HintedPause } from "./hinted-pause.ts";

export type FeedTailOptions = {
  source: FeedSource;
  hint: CaptureHint;
  log: EventLog;
  /** Between two looks without a hint, in milliseconds. */
  pollMs: number;
  /** The journal has been replaced by an older one. */
  onOtherJournal(): void;
};

/** Who waits for what comes. */
export type TailReader = {
  /** There is more, or the database went away or came back. */
  wake(): void;
  /** The journal is another one: offsets that were handed out may be other messages now. */
  end(reason: "journal-went-back"): void;
};

/** Entries in memory: as many, or fewer when they are long. */
const KEPT = 2_000;
const KEPT_BYTES = 8_000_000;
const PAGE = 500;
/** How often the publication itself is looked at, in milliseconds. */
const CHECK_MS = 5_000;

/**
 * The end of a publication, read once for all streams, for as long as there are any:
 *
 *   idle ──first reader──► looking: behind its head, when a hint comes or by the clock ──last one gone──► idle
 *
 * It keeps the last entries. Who is farther behind reads pages until it is here.
 */
export class FeedTail {
  readonly #options: FeedTailOptions;
  readonly #readers = new Set<TailReader>();
  #publication: FeedBounds;
  #entries: FeedEntry[] = [];
  /** The offset before the first entry; null before the first look. */
  #base: number | null = null;
  #checkedMs = 0;
  #isAway = false;
  #isAtEnd = false;
  #stop: AbortController | null = null;

  constructor(publication: FeedBounds, options: FeedTailOptions) {
    this.#publication = publication;
    this.#options = options;
  }

  /** Whether the database does not say what there is. */
  get isAway(): boolean {
    return this.#isAway;
  }

  /** Whether there was nothing more when it was last looked. */
  get isAtEnd(): boolean {
    return this.#isAtEnd;
  }

  /** The last offset that was read; null before the first look. */
  get head(): number | null {
    return this.#base === null ? null : this.#base + this.#entries.length;
  }

  /** Whether what follows an offset is here, or will be. */
  reaches(after: number): boolean {
    return this.#base !== null && after >= this.#base;
  }

  entry(offset: number): FeedEntry | undefined {
    return this.#base === null ? undefined : this.#entries[offset - this.#base - 1];
  }

  join(reader: TailReader): void {
    this.#readers.add(reader);
    if (this.#stop !== null) return;
    this.#stop = new AbortController();
    void this.#lookUntil(this.#stop.signal);
  }

  leave(reader: TailReader): void {
    this.#readers.delete(reader);
    if (this.#readers.size > 0) return;
    this.#stop?.abort();
    this.#stop = null;
  }

  async #lookUntil(signal: AbortSignal): Promise<void> {
    const { hint, pollMs } = this.#options;
    const pause = new HintedPause(hint, pollMs);
    this.#entries = [];
    this.#base = null;
    this.#isAtEnd = false;
    this.#checkedMs = 0;
    while (!signal.aborted) {
      const { found, isFull } = await this.#look(signal);
      if (!isFull) await pause.wait(found, signal);
    }
    pause.close();
  }

  async #look(signal: AbortSignal): Promise<{ found: boolean; isFull: boolean }> {
    const { source } = this.#options;
    try {
      await this.#check();
      const after = this.head ?? 0;
      const { rows, isFull } = await source.page(this.#publication, { after, limit: PAGE });
      const entries = await feedEntries(source, this.#publication, rows);
      if (signal.aborted) return { found: false, isFull: false };
      this.#add(entries);
      const isNews = entries.length > 0 || this.#isAway || this.#isAtEnd === isFull;
      this.#isAtEnd = !isFull;
      this.#isAway = false;
      if (isNews) this.#wakeAll();
      return { found: entries.length > 0, isFull };
    } catch (error) {
      if (!signal.aborted) this.#failed(error);
      return { found: false, isFull: false };
    }
  }

  /** Where it begins, and from time to time whether it is still the same journal. */
  async #check(): Promise<void> {
    const nowMs = performance.now();
    if (nowMs - this.#checkedMs < CHECK_MS) return;
    const { topic, publication_id: id } = this.#publication;
    const now = await this.#options.source.bounds(topic, true);
    const head = this.head;
    const isSame = now !== undefined && now.publication_id === id;
    if (!isSame || (head !== null && (now.last_offset < head || now.first_offset > head + 1))) {
      this.#entries = [];
      this.#base = null;
      this.#options.onOtherJournal();
      for (const reader of this.#readers) reader.end("journal-went-back");
      throw new Error(`the feed of ${topic} ends before offset ${head ?? 0}`);
    }
    this.#base ??= Math.max(now.first_offset - 1, now.numbered_to - PAGE);
    this.#publication = now;
    this.#checkedMs = nowMs;
  }

  #add(entries: readonly FeedEntry[]): void {
    this.#entries.push(...entries);
    let bytes = 0;
    for (const { frame } of this.#entries) bytes += frame.length;
    let drop = 0;
    for (const { frame } of this.#entries) {
      if (this.#entries.length - drop <= KEPT && bytes <= KEPT_BYTES) break;
      bytes -= frame.length;
      drop += 1;
    }
    this.#entries.splice(0, drop);
    this.#base = (this.#base ?? 0) + drop;
  }

  #failed(error: unknown): void {
    const { code } = problemOfError(error);
    if (this.#isAway) return;
    this.#isAway = true;
    this.#wakeAll();
    // The watch logs it when the database does not answer.
    if (code === "ES-UNEXPECTED")
      this.#options.log.warn(
        { event: "api.feed-look-failed", publication: this.#publication.topic, code },
        `The feed of ${this.#publication.topic} could not be read: ${String(error)}`,
      );
  }

  #wakeAll(): void {
    for (const reader of this.#readers) reader.wake();
  }
}
