import type { EventLog } from "../../../config/event-log.ts";
import type { ApiKey } from "../access/api-key.ts";
import type { KeyRing } from "../access/key-ring.ts";
import { Problem } from "../problem.ts";
import type { FairQueue } from "../read/fair-queue.ts";
import type { CaptureHint } from "./capture-hint.ts";
import { EmptyStretches } from "./empty-stretches.ts";
import type { FeedFilter } from "./feed-filter.ts";
import { FeedPages } from "./feed-pages.ts";
import type { FeedBounds } from "./feed-row.ts";
import type { FeedSource } from "./feed-source.ts";
import { FeedStream } from "./feed-stream.ts";
import { FeedTail } from "./feed-tail.ts";

export type FeedLimits = {
  /** Streams at once, of all clients and of one. */
  streams: number;
  streamsPerClient: number;
  /** A stream says something at least so often, in milliseconds. */
  heartbeatMs: number;
  /** Who does not take what was sent for so long is dropped, in milliseconds. */
  stalledMs: number;
};

export type FeedHubOptions = {
  source: FeedSource;
  queue: FairQueue;
  hint: CaptureHint;
  keys: KeyRing;
  log: EventLog;
  limits: FeedLimits;
};

type Opening = {
  publication: FeedBounds;
  after: number;
  filter: FeedFilter;
  client: string;
  key: ApiKey | null;
};

/** Between two looks without a hint, in milliseconds. */
const POLL_MS = 250;
const KEY_CHECK_MS = 1_000;

/** All streams of this instance: bounded in number, ended with their key and with the process. */
export class FeedHub {
  readonly #options: FeedHubOptions;
  readonly #pages: FeedPages;
  readonly #stretches = new EmptyStretches();
  readonly #tails = new Map<number, FeedTail>();
  readonly #streams = new Map<FeedStream, ApiKey | null>();
  readonly #perClient = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;
  /** So many were dropped because they did not take what was sent. */
  dropped = 0;

  constructor(options: FeedHubOptions) {
    this.#options = options;
    const { source, queue, limits } = options;
    this.#pages = new FeedPages({ source, queue, maxStreams: limits.streams });
  }

  get stalledMs(): number {
    return this.#options.limits.stalledMs;
  }

  get size(): number {
    return this.#streams.size;
  }

  /** @throws Problem when there are as many streams as may be */
  open({ publication, after, filter, client, key }: Opening): FeedStream {
    this.#checkRoom(client);
    const stream = new FeedStream({
      ...{ publication, after, filter, client },
      tail: this.#tail(publication),
      pages: this.#pages,
      stretches: this.#stretches,
      heartbeatMs: this.#options.limits.heartbeatMs,
    });
    this.#streams.set(stream, key);
    this.#perClient.set(client, (this.#perClient.get(client) ?? 0) + 1);
    return stream;
  }

  close(stream: FeedStream): void {
    stream.close();
    if (!this.#streams.delete(stream)) return;
    const left = (this.#perClient.get(stream.client) ?? 1) - 1;
    if (left > 0) this.#perClient.set(stream.client, left);
    else this.#perClient.delete(stream.client);
  }

  start(): void {
    this.#timer = setInterval(() => this.#checkKeys(), KEY_CHECK_MS);
  }

  /** Ends every stream with a word, and opens none any more. */
  stop(): void {
    clearInterval(this.#timer);
    this.#isStopped = true;
    for (const stream of this.#streams.keys()) stream.end("shutdown");
  }

  #checkRoom(client: string): void {
    const { streams, streamsPerClient } = this.#options.limits;
    const later = { retryAfterSeconds: 5 };
    if (this.#isStopped) throw new Problem("ES-BUSY", "This instance is stopping.", later);
    if (this.size >= streams)
      throw new Problem("ES-BUSY", "There are as many streams already as may be.", later);
    if ((this.#perClient.get(client) ?? 0) >= streamsPerClient)
      throw new Problem(
        "ES-RATE-LIMITED",
        `more than ${streamsPerClient} streams at once of one key or address`,
        later,
      );
  }

  #checkKeys(): void {
    for (const [stream, key] of this.#streams)
      if (!this.#options.keys.stillAllows(key, "feed")) stream.end("key-refused");
  }

  #tail(publication: FeedBounds): FeedTail {
    const { source, hint, log } = this.#options;
    const known = this.#tails.get(publication.publication_id);
    if (known !== undefined) return known;
    const onOtherJournal = (): void => this.#stretches.clear();
    const tail = new FeedTail(publication, { source, hint, log, pollMs: POLL_MS, onOtherJournal });
    this.#tails.set(publication.publication_id, tail);
    return tail;
  }
}
