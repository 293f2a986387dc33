import type { Envelope, MessageKey } from "./envelope.ts";

/** One arrival of a message, held until it is acknowledged or handed back. */
export type Delivery = {
  readonly envelope: Envelope;
  ack(): void;
  nack(): void;
  /** It was found early before. */
  wasEarly?: boolean;
};

/** Some or all deliveries of one key, by sequence. None: something parked may be next. */
export type Work = { key: MessageKey; deliveries: Delivery[]; oneByOne: boolean };

/**
 * - `done`: all are answered but `early`, which wait for a predecessor.
 * - `one-by-one`: rolled back; to find out which of them failed, take them singly.
 * - `failed`: rolled back; hand everything of the key back after a while.
 */
export type Verdict =
  | { status: "done"; early: readonly Delivery[]; mayHaveParked: boolean }
  | { status: "one-by-one" }
  | { status: "failed"; retryAfterMs: number };

export type KeyLanesOptions = {
  /** Never throws. */
  process: (work: Work) => Promise<Verdict>;
  /** Keys processed at a time. */
  concurrency: number;
  /** Messages of one key taken at a time. */
  batchSize: number;
  /**
   * How long an early message waits here for its predecessor before it is handed back; twice as long
   * each time that its key comes again without it, up to `maxEarlyHoldMs`.
   */
  earlyHoldMs: number;
  maxEarlyHoldMs: number;
  /** With more deliveries than this in memory, others need the room: holds are short again. */
  roomFor: number;
  /** Called when a key was handed back because the predecessor did not come. */
  onGap?: () => void;
};

/** A key that came again and again, always without its next message. */
export type WaitingKey = MessageKey & { firstSequence: number; times: number };

type State = "ready" | "busy" | "gap" | "backoff";

type Lane = {
  key: MessageKey;
  state: State;
  waiting: Delivery[];
  /** Something came while it was busy. */
  hasNews: boolean;
  /** Go on with what is parked, also when nothing waits. */
  hasParked: boolean;
  /** How many are still to be taken singly. */
  singles: number;
  timer?: NodeJS.Timeout;
};

/**
 * Sorts deliveries into one lane per key and has each lane processed by one worker at a time, so
 * that a key's messages are never applied concurrently within a process. A lane's states:
 *
 *   (none) ──delivery──► ready ──a worker is free──► busy ──done, nothing left──► (none)
 *                          ▲                          │││
 *                          ├──done, more is there─────┘││
 *                          ├──next delivery── gap ◄────┘│  done, all that is left is early
 *                          │                   │        └► backoff  (failed)
 *                          │              time over           │ time over
 *                          │                   └───► nack ◄───┘
 *                          │                          ▼
 *                          └───────────────────────(none)
 *
 * A lane that is handed back comes again from Pub/Sub: from its first message, when the
 * subscription is ordered.
 */
export class KeyLanes {
  readonly #lanes = new Map<string, Lane>();
  readonly #ready: Lane[] = [];
  readonly #running = new Set<Promise<void>>();
  readonly #gaps = new Map<string, WaitingKey>();
  readonly #options: KeyLanesOptions;
  #stopping = false;
  #size = 0;

  constructor(options: KeyLanesOptions) {
    this.#options = options;
  }

  /** Deliveries held. */
  get size(): number {
    return this.#size;
  }

  /** Keys that were handed back at least `times` times, for a predecessor that did not come. */
  waiting(times: number): WaitingKey[] {
    return [...this.#gaps.values()].filter((gap) => gap.times >= times);
  }

  /** Says that what early messages wait for may have been applied by somebody else. */
  lookAgain(): void {
    for (const lane of this.#lanes.values()) if (lane.state === "gap") this.#makeReady(lane);
    this.#startWorkers();
  }

  add(delivery: Delivery): void {
    if (this.#stopping) {
      delivery.nack();
      return;
    }
    this.#size += 1;
    const lane = this.#lane(delivery.envelope);
    lane.waiting.push(delivery);
    lane.hasNews = true;
    if (lane.state === "gap") this.#makeReady(lane);
    this.#startWorkers();
  }

  /** Says that the next message of a key is parked. */
  addParked(key: MessageKey): void {
    if (this.#stopping) return;
    this.#lane(key).hasParked = true;
    this.#startWorkers();
  }

  /** Hands back what is not begun, and resolves when what is begun has come to its end. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#ready.length = 0;
    for (const lane of this.#lanes.values()) if (lane.state !== "busy") this.#handBack(lane);
    await Promise.all(this.#running);
  }

  #lane(key: MessageKey): Lane {
    const name = nameOf(key);
    let lane = this.#lanes.get(name);
    if (lane === undefined) {
      const { publication, orderingKey } = key;
      const plainKey = { publication, orderingKey };
      lane = {
        key: plainKey,
        state: "ready",
        waiting: [],
        hasNews: false,
        hasParked: false,
        singles: 0,
      };
      this.#lanes.set(name, lane);
      this.#ready.push(lane);
    }
    return lane;
  }

  #startWorkers(): void {
    while (this.#running.size < this.#options.concurrency) {
      const lane = this.#ready.shift();
      if (lane === undefined) return;
      lane.state = "busy";
      const run = this.#work(lane).then(() => {
        this.#running.delete(run);
        this.#startWorkers();
      });
      this.#running.add(run);
    }
  }

  async #work(lane: Lane): Promise<void> {
    lane.waiting.sort((a, b) => a.envelope.sequence - b.envelope.sequence);
    const oneByOne = lane.singles > 0;
    const deliveries = lane.waiting.splice(0, oneByOne ? 1 : this.#options.batchSize);
    lane.hasNews = false;
    lane.hasParked = false;
    const verdict = await this.#options.process({ key: lane.key, deliveries, oneByOne });

    if (verdict.status === "done") {
      this.#size -= deliveries.length - verdict.early.length;
      if (verdict.early.length < deliveries.length) this.#gaps.delete(nameOf(lane.key));
      lane.singles = Math.max(0, lane.singles - 1);
      lane.hasParked ||= verdict.mayHaveParked;
      // When all that was taken is early, all that is behind it is, too.
      const isStuck = deliveries.length > 0 && verdict.early.length === deliveries.length;
      const hasMore = lane.hasParked || lane.hasNews || (lane.waiting.length > 0 && !isStuck);
      lane.waiting.push(...verdict.early);
      if (this.#stopping) this.#handBack(lane);
      else if (hasMore) this.#makeReady(lane);
      else if (lane.waiting.length > 0) this.#wait(lane, "gap", this.#holdMs(lane));
      else this.#remove(lane);
      return;
    }
    lane.waiting.push(...deliveries);
    if (this.#stopping) this.#handBack(lane);
    else if (verdict.status === "failed") this.#wait(lane, "backoff", verdict.retryAfterMs);
    else {
      // One more than there are: what was parked behind them may be what failed.
      lane.singles = deliveries.length + 1;
      lane.hasParked = true;
      this.#makeReady(lane);
    }
  }

  #makeReady(lane: Lane): void {
    clearTimeout(lane.timer);
    lane.state = "ready";
    this.#ready.push(lane);
  }

  #wait(lane: Lane, state: "gap" | "backoff", ms: number): void {
    lane.state = state;
    lane.timer = setTimeout(() => {
      if (state === "gap") this.#noteGap(lane);
      this.#handBack(lane);
    }, ms);
  }

  #holdMs({ key }: Lane): number {
    const { earlyHoldMs, maxEarlyHoldMs, roomFor } = this.#options;
    const times = this.#size > roomFor ? 0 : (this.#gaps.get(nameOf(key))?.times ?? 0);
    return Math.max(earlyHoldMs, Math.min(earlyHoldMs * 2 ** times, maxEarlyHoldMs));
  }

  #noteGap({ key, waiting }: Lane): void {
    const times = (this.#gaps.get(nameOf(key))?.times ?? 0) + 1;
    const firstSequence = waiting.reduce(
      (least, { envelope }) => Math.min(least, envelope.sequence),
      Number.POSITIVE_INFINITY,
    );
    this.#gaps.delete(nameOf(key));
    this.#gaps.set(nameOf(key), { ...key, firstSequence, times });
    const [oldest] = this.#gaps.keys();
    if (this.#gaps.size > MAX_GAPS && oldest !== undefined) this.#gaps.delete(oldest);
    this.#options.onGap?.();
  }

  #handBack(lane: Lane): void {
    for (const delivery of lane.waiting) delivery.nack();
    this.#size -= lane.waiting.length;
    this.#remove(lane);
  }

  #remove(lane: Lane): void {
    clearTimeout(lane.timer);
    lane.waiting = [];
    this.#lanes.delete(nameOf(lane.key));
  }
}

/** Keys that are remembered to have come without their next message. */
const MAX_GAPS = 10_000;

function nameOf({ publication, orderingKey }: MessageKey): string {
  return JSON.stringify([publication, orderingKey]);
}
