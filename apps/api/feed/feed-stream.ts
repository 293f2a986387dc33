import type { EmptyStretches } from "./empty-stretches.ts";
import type { FeedEntry } from "./feed-entry.ts";
import { type FeedFilter, nameOf, passes } from "./feed-filter.ts";
import type { FeedPages } from "./feed-pages.ts";
import type { FeedBounds } from "./feed-row.ts";
import type { FeedTail, TailReader } from "./feed-tail.ts";

export type FeedStreamOptions = {
  publication: FeedBounds;
  /** The client has everything up to this offset. */
  after: number;
  filter: FeedFilter;
  /** Whose stream it is. */
  client: string;
  tail: FeedTail;
  pages: FeedPages;
  stretches: EmptyStretches;
  /** A stream says something at least so often, in milliseconds. */
  heartbeatMs: number;
};

export type EndReason = "shutdown" | "key-refused" | "journal-went-back";

type State = "catching-up" | "live" | "away";

/** So much is handed over at once, in bytes; what the client does not take holds up the rest. */
const CHUNK_BYTES = 64_000;
/** After a page could not be read, in milliseconds. */
const RETRY_MS = 1_000;
/** Clients come back after so many milliseconds, not all of them at once. */
const RECONNECT_MS = { least: 1_000, spread: 2_000 };
const HEARTBEAT = Buffer.from(": still here\n\n");

/**
 * What one client gets, chunk by chunk, as it asks for them:
 *
 *   opening ──► catching-up: pages ──reaches the tail──► live: what the tail gets ──end──► over
 *                    ▲                                     │
 *                    └──────── falls behind the tail ──────┘
 *
 * Only messages carry an id. Control frames (`status`, `end`) and heartbeats do not: an id would
 * move the client's cursor. `read_to` in them says up to where everything that passes the filter was
 * sent.
 */
export class FeedStream implements TailReader {
  readonly client: string;
  readonly #options: FeedStreamOptions;
  readonly #filter: string;
  /** Everything up to here was looked at. */
  #cursor: number;
  /** Up to here the client knows that it has everything: its last id, or `read_to`. */
  #told: number;
  /** The client's last id. */
  #lastId: number;
  #page: FeedEntry[] = [];
  #isReading = false;
  #failedMs: number | null = null;
  #saidMs = performance.now();
  #saidState: State | null = null;
  #end: EndReason | null = null;
  #isOver = false;
  #wake: () => void = () => undefined;

  constructor(options: FeedStreamOptions) {
    const { publication, filter, after, stretches, client } = options;
    this.#options = options;
    this.client = client;
    this.#filter = `${publication.publication_id} ${nameOf(filter)}`;
    this.#cursor = stretches.skip(this.#filter, after);
    this.#told = after;
    this.#lastId = after;
    options.tail.join(this);
  }

  wake(): void {
    this.#wake();
  }

  /** Ends it behind a frame that says why. */
  end(reason: EndReason): void {
    this.#end ??= reason;
    this.#wake();
  }

  /** The client is gone. */
  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.tail.leave(this);
    this.#remember();
    this.#wake();
  }

  /** @returns the next bytes, when there are any; null when it is over. Never fails. */
  async next(): Promise<Uint8Array | null> {
    while (!this.#isOver) {
      const chunk = this.#chunk();
      if (chunk !== null) {
        this.#saidMs = performance.now();
        return chunk;
      }
      const { tail } = this.#options;
      const isBehind = tail.head !== null && !tail.reaches(this.#cursor);
      if (isBehind && !this.#isReading && this.#retryInMs() === 0) void this.#readPage();
      const dueInMs = this.#saidMs + this.#options.heartbeatMs - performance.now();
      await this.#idle(isBehind ? Math.min(dueInMs, this.#retryInMs() || dueInMs) : dueInMs);
    }
    return null;
  }

  #chunk(): Uint8Array | null {
    if (this.#saidState === null) return this.#opening();
    if (this.#end !== null) return this.#ending(this.#end);
    const frames = this.#take();
    if (frames.length > 0) return Buffer.concat(frames);
    if (this.#state() !== this.#saidState) return this.#status();
    if (performance.now() - this.#saidMs < this.#options.heartbeatMs) return null;
    return this.#cursor > this.#told ? this.#status() : HEARTBEAT;
  }

  /** What follows and passes, as far as it is here. */
  #take(): Buffer[] {
    const frames: Buffer[] = [];
    for (let bytes = 0; bytes < CHUNK_BYTES; ) {
      const entry = this.#following();
      if (entry === undefined) break;
      if (!passes(entry, this.#options.filter)) {
        this.#cursor = entry.offset;
        continue;
      }
      this.#remember();
      this.#cursor = entry.offset;
      frames.push(entry.frame);
      bytes += entry.frame.length;
      this.#lastId = entry.offset;
      this.#told = entry.offset;
    }
    return frames;
  }

  #following(): FeedEntry | undefined {
    const offset = this.#cursor + 1;
    const entry = this.#options.tail.entry(offset);
    if (entry !== undefined) {
      this.#page = [];
      return entry;
    }
    const [first] = this.#page;
    return first === undefined ? undefined : this.#page[offset - first.offset];
  }

  async #readPage(): Promise<void> {
    const { pages, publication, client } = this.#options;
    this.#isReading = true;
    try {
      const page = await pages.read(publication, this.#cursor, client);
      if (page.length === 0) this.#failedMs = performance.now();
      else this.#failedMs = null;
      this.#page = page;
    } catch {
      // The next try may do: the client keeps its place.
      this.#failedMs = performance.now();
    }
    this.#isReading = false;
    this.#wake();
  }

  #retryInMs(): number {
    if (this.#failedMs === null) return 0;
    return Math.max(0, this.#failedMs + RETRY_MS - performance.now());
  }

  #state(): State {
    const { tail } = this.#options;
    if (tail.isAway) return "away";
    const isLive = tail.isAtEnd && this.#cursor >= (tail.head ?? Infinity);
    return isLive ? "live" : "catching-up";
  }

  #opening(): Buffer {
    const { least, spread } = RECONNECT_MS;
    const retryMs = least + Math.floor(Math.random() * spread);
    return Buffer.concat([Buffer.from(`retry: ${retryMs}\n\n`), this.#status()]);
  }

  #status(): Buffer {
    this.#saidState = this.#state();
    this.#told = Math.max(this.#told, this.#cursor);
    this.#remember();
    const said = { state: this.#saidState, read_to: this.#told };
    const last = this.#options.tail.head ?? this.#options.publication.numbered_to;
    return control("status", { ...said, last_offset: last });
  }

  #ending(reason: EndReason): Buffer {
    this.close();
    return control("end", { reason, read_to: this.#cursor });
  }

  /** Nothing behind the last id passed up to the cursor. */
  #remember(): void {
    const stretch = { from: this.#lastId, to: this.#cursor };
    if (stretch.to > stretch.from) this.#options.stretches.remember(this.#filter, stretch);
  }

  async #idle(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.max(1, ms));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = () => undefined;
  }
}

function control(event: string, data: object): Buffer {
  return Buffer.from(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}
