import type { Kysely } from "kysely";
import type { Logger } from "pino";
import { type Backoff, backoffMs } from "../backoff.ts";
import { JournalCheck } from "../journal/journal-check.ts";
import type { Publication } from "../journal/publication.ts";
import type { Lease, LeaseKeeper } from "../leases/lease-keeper.ts";
import type { PubsubTopics } from "../publish/pubsub-topics.ts";
import type { RelayMetrics } from "../serve/metrics.ts";
import { Signal } from "../signal.ts";
import type { OutboxSource } from "../source/outbox-source.ts";
import { Barriers } from "./barriers.ts";
import { type DoubtedKey, readDoubtedKeys, resolveDoubts } from "./doubt.ts";
import { JournalOutdated, ReadingEnded, readReceipts } from "./read-receipts.ts";
import type { Receipt, Receipts, ReceiptsState } from "./receipts.ts";
import { ReceiptsPurge } from "./receipts-purge.ts";

export type DoubtResolverOptions = {
  db: Kysely<unknown>;
  source: OutboxSource;
  publication: Publication;
  leases: LeaseKeeper;
  topics: PubsubTopics;
  receipts: Receipts;
  /** Makes sure of the topic and of its receipts. */
  ensureTopic: () => Promise<ReceiptsState>;
  /** Keys are free to be claimed again. */
  onResolved: () => void;
  /** The journal is known to be as new as the topic: capture and publish. */
  onOpened: () => void;
  log: Logger;
  metrics: RelayMetrics;
  /** After this long nothing of a request can still be on its way to being accepted. */
  requestLifeMs: number;
  /** Longest life of the request that publishes a barrier. */
  publishTimeoutMs: number;
  /** For so long receipts that are read again may come late. */
  receiptsDelayMs: number;
  backoff: Backoff;
};

const KEYS_PER_ROUND = 500;
const LOOK_MS = 500;

/**
 * Reads the topic back for one publication, while this instance is its leader: makes sure first that
 * the journal is as new as the topic (`journal-check.ts`), then finds out what became of requests
 * whose outcome is unknown. A doubted key:
 *
 *   seen ──request life over──► barrier published ──barrier read back──► resolved
 *                                       └── not read in time ──► seen, with a new barrier
 *
 * It waits by a clock that does not jump, from when it first saw the doubt: so however late the
 * request was sent, its life is over when the barrier leaves. Then everything that was accepted on
 * the key stands before the barrier. Receipts are written down before they are acknowledged, so
 * that none is forgotten that a later doubt needs. Whatever cannot be read, it waits for: it never
 * guesses.
 */
export class DoubtResolver {
  readonly #options: DoubtResolverOptions;
  readonly #barriers: Barriers;
  readonly #check: JournalCheck;
  readonly #purge: ReceiptsPurge;
  readonly #read: () => Promise<Receipt[]>;
  readonly #log: Logger;
  readonly #wake = new Signal();
  readonly #firstSeenMs = new Map<string, number>();
  #leader: Lease | null = null;
  #failures = 0;
  #receiptsKeptForMs = 0;
  #stopping = false;

  constructor(options: DoubtResolverOptions) {
    this.#options = options;
    const { db, source, publication, leases, topics, receipts } = options;
    const { requestLifeMs, publishTimeoutMs, receiptsDelayMs } = options;
    const { instance } = leases;
    this.#log = options.log.child({ publication: publication.topic });
    const isReader = () => !this.#stopping && this.#leader !== null && leases.isHeld(this.#leader);
    this.#read = () => readReceipts(db, publication, receipts, isReader);
    this.#barriers = new Barriers(topics, {
      topic: publication.topic,
      publishTimeoutMs,
      ensureReceipts: async () => {
        const { keptForMs } = await options.ensureTopic();
        this.#receiptsKeptForMs = keptForMs;
      },
      isReader,
    });
    const shared = { db, publication, receipts, barriers: this.#barriers, instance };
    this.#purge = new ReceiptsPurge(shared);
    this.#check = new JournalCheck({
      ...shared,
      source,
      ensureTopic: options.ensureTopic,
      log: this.#log,
      requestLifeMs,
      receiptsDelayMs,
      isReader,
    });
  }

  /** Says that there may be a new doubt, or a new leader. */
  wake(): void {
    this.#wake.set();
  }

  /** Says that something was captured. */
  noteCapture(): void {
    this.#purge.noteCapture();
  }

  stop(): void {
    this.#stopping = true;
    this.#wake.set();
  }

  /** Runs until `stop`. Whatever does not answer is asked again. */
  async run(): Promise<void> {
    while (!this.#stopping) {
      try {
        const leader = this.#options.leases.leader(this.#options.publication);
        if (leader?.epoch !== this.#leader?.epoch) this.#forget();
        this.#leader = leader;
        if (leader !== null) await this.#round(leader);
        this.#failures = 0;
        await this.#wake.wait(LOOK_MS);
      } catch (error) {
        if (!(error instanceof ReadingEnded)) await this.#afterFailure(error);
      }
    }
  }

  async #afterFailure(error: unknown): Promise<void> {
    this.#purge.unmeasure();
    if (error instanceof JournalOutdated) {
      this.#log.warn({ event: "journal.outdated" }, error.message);
      return;
    }
    this.#failures += 1;
    const waiting = this.#firstSeenMs.size;
    this.#log.error(
      { event: "receipts.unreadable", err: error, waiting },
      waiting > 0
        ? "the receipts cannot be read; keys in doubt wait for them"
        : "the receipts cannot be read; nothing is in doubt now",
    );
    await this.#wake.wait(backoffMs(this.#options.backoff, this.#failures));
  }

  async #round(leader: Lease): Promise<void> {
    const found = await this.#check.look(leader);
    const { db, publication, metrics, onOpened } = this.#options;
    metrics.journalKnown(publication.topic, found !== "closed");
    if (found === "closed") return;
    if (found === "opened") onOpened();
    if (!this.#purge.isMeasured) await this.#purge.measure(this.#read);
    const keys = await readDoubtedKeys(db, publication, KEYS_PER_ROUND);
    metrics.doubted(publication.topic, keys.length);
    const due = this.#whoseRequestsAreOver(keys);
    if (due.length > 0) await this.#resolve(leader, due);
    else if (keys.length === 0) await this.#purge.purge(leader);
  }

  /** Without the leadership nothing that was seen or measured may be trusted later. */
  #forget(): void {
    this.#firstSeenMs.clear();
    this.#check.forget();
    this.#purge.forget();
  }

  #whoseRequestsAreOver(keys: DoubtedKey[]): DoubtedKey[] {
    const nowMs = performance.now();
    const names = new Set(keys.map(nameOf));
    for (const name of this.#firstSeenMs.keys())
      if (!names.has(name)) this.#firstSeenMs.delete(name);
    return keys.filter((key) => {
      const seenMs = this.#firstSeenMs.get(nameOf(key));
      if (seenMs === undefined) this.#firstSeenMs.set(nameOf(key), nowMs);
      return seenMs !== undefined && nowMs - seenMs >= this.#options.requestLifeMs;
    });
  }

  async #resolve(leader: Lease, due: DoubtedKey[]): Promise<void> {
    const { db, publication, leases, metrics, onResolved } = this.#options;
    const waiting = await this.#barriers.publishAll(due);
    await this.#barriers.readUntil(waiting, this.#read, async (keys) => {
      const { instance } = leases;
      const keptForMs = this.#receiptsKeptForMs;
      const outcome = await resolveDoubts(db, publication, instance, leader, keys, keptForMs);
      for (const orderingKey of outcome.unknowable)
        this.#log.error(
          { event: "key.blocked", orderingKey },
          "nobody knows whether a request was accepted: it is older than receipts are kept; its key is blocked",
        );
      this.#log.info({ event: "doubt.resolved", ...outcome }, "doubts resolved from the receipts");
      metrics.resolved(publication.topic, outcome);
      onResolved();
    });
  }
}

/** Of one request: the same messages may be in doubt again as soon as they were sent again. */
function nameOf({ orderingKey, inDoubtSequence, inDoubtAt }: DoubtedKey): string {
  return `${orderingKey}@${inDoubtSequence}@${inDoubtAt}`;
}
