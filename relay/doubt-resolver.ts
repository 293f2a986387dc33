import { randomUUID } from "node:crypto";
import type { Kysely } from "kysely";
import type { Logger } from "pino";
import { type Backoff, backoffMs } from "./backoff.ts";
import { type DoubtedKey, readDoubtedKeys, readOldestInDoubt, resolveDoubts } from "./doubt.ts";
import type { Lease, LeaseKeeper } from "./lease-keeper.ts";
import type { RelayMetrics } from "./metrics.ts";
import type { Publication } from "./publication.ts";
import type { PubsubTopics } from "./pubsub-topics.ts";
import { ensureReceipts, readReceipts } from "./read-receipts.ts";
import type { Receipt, Receipts } from "./receipts.ts";
import { Signal } from "./signal.ts";

export type DoubtResolverOptions = {
  /** After this long nothing of a request can still be on its way to being accepted. */
  requestLifeMs: number;
  /** Longest life of the request that publishes a barrier. */
  publishTimeoutMs: number;
  backoff: Backoff;
};

/** Ordering key of the barrier that measures Pub/Sub's clock; no event has it. */
const CLOCK_KEY = "relay:clock";
const KEYS_PER_ROUND = 500;
const BARRIERS_AT_ONCE = 32;
const LOOK_MS = 500;
const READ_TIMEOUT_MS = 30_000;
const PURGE_EVERY_MS = 5_000;
/** Covers what the measurement of Pub/Sub's clock leaves open. */
const PURGE_MARGIN_MS = 10_000;

/**
 * Finds out what became of requests whose outcome is unknown, for one publication, while this
 * instance has its lead. A doubted key:
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
  readonly #db: Kysely<unknown>;
  readonly #publication: Publication;
  readonly #leases: LeaseKeeper;
  readonly #topics: PubsubTopics;
  readonly #receipts: Receipts;
  readonly #onResolved: () => void;
  readonly #log: Logger;
  readonly #metrics: RelayMetrics;
  readonly #options: DoubtResolverOptions;
  readonly #wake = new Signal();
  readonly #firstSeenMs = new Map<string, number>();
  #clock: { skewMs: number; databaseMs: number; monotonicMs: number } | null = null;
  #purgedUntilMs = 0;
  #purgedAtMs = 0;
  #failures = 0;
  #stopping = false;

  constructor(
    db: Kysely<unknown>,
    publication: Publication,
    leases: LeaseKeeper,
    pubsub: { topics: PubsubTopics; receipts: Receipts },
    onResolved: () => void,
    log: Logger,
    metrics: RelayMetrics,
    options: DoubtResolverOptions,
  ) {
    this.#db = db;
    this.#publication = publication;
    this.#leases = leases;
    this.#topics = pubsub.topics;
    this.#receipts = pubsub.receipts;
    this.#onResolved = onResolved;
    this.#log = log.child({ publication: publication.topic });
    this.#metrics = metrics;
    this.#options = options;
  }

  /** Says that there may be a new doubt, or a new lead. */
  wake(): void {
    this.#wake.set();
  }

  stop(): void {
    this.#stopping = true;
    this.#wake.set();
  }

  /** Runs until `stop`. Whatever does not answer is asked again. */
  async run(): Promise<void> {
    while (!this.#stopping) {
      try {
        const lead = this.#leases.lead(this.#publication);
        if (lead === null) this.#forget();
        else await this.#round(lead);
        this.#failures = 0;
        await this.#wake.wait(LOOK_MS);
      } catch (error) {
        this.#failures += 1;
        this.#clock = null;
        const waiting = this.#firstSeenMs.size;
        this.#log.error(
          { err: error, waiting },
          waiting > 0
            ? "the receipts cannot be read; keys in doubt wait for them"
            : "the receipts cannot be read; nothing is in doubt now",
        );
        await this.#wake.wait(backoffMs(this.#options.backoff, this.#failures));
      }
    }
  }

  async #round(lead: Lease): Promise<void> {
    if (this.#clock === null) await this.#measureClock();
    const keys = await readDoubtedKeys(this.#db, this.#publication, KEYS_PER_ROUND);
    this.#metrics.doubted(this.#publication.topic, keys.length);
    const due = this.#whoseRequestsAreOver(keys);
    if (due.length > 0) await this.#resolve(lead, due);
    else if (keys.length === 0) await this.#purge();
  }

  /** Without the lead nothing that was seen or measured may be trusted later. */
  #forget(): void {
    this.#firstSeenMs.clear();
    this.#clock = null;
    this.#purgedUntilMs = 0;
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

  async #resolve(lead: Lease, due: DoubtedKey[]): Promise<void> {
    const waiting = new Map<string, DoubtedKey>();
    for (let at = 0; at < due.length; at += BARRIERS_AT_ONCE)
      await Promise.all(
        due.slice(at, at + BARRIERS_AT_ONCE).map(async (key) => {
          waiting.set(await this.#publishBarrier(key.orderingKey), key);
        }),
      );
    await this.#readUntil(waiting, async (keys) => {
      const { instance } = this.#leases;
      const outcome = await resolveDoubts(this.#db, this.#publication, instance, lead, keys);
      this.#log.info(outcome, "doubts resolved from the receipts");
      this.#metrics.resolved(this.#publication.topic, outcome);
      this.#onResolved();
    });
  }

  async #publishBarrier(orderingKey: string): Promise<string> {
    const barrier = randomUUID();
    const { topic } = this.#publication;
    try {
      await this.#topics.publishBarrier(
        topic,
        orderingKey,
        barrier,
        this.#options.publishTimeoutMs,
      );
    } catch (error) {
      // A topic made anew has no receipts yet. A barrier that is lost only costs another one.
      await ensureReceipts(this.#db, this.#publication, this.#receipts);
      throw error;
    }
    return barrier;
  }

  /** Reads receipts until every barrier came by, handing over the keys of those that did. */
  async #readUntil<T>(
    waiting: Map<string, T>,
    onBarriers: (reached: T[], receipts: Receipt[]) => Promise<void>,
  ): Promise<void> {
    const deadlineMs = performance.now() + READ_TIMEOUT_MS;
    while (waiting.size > 0) {
      if (this.#stopping) return;
      if (performance.now() > deadlineMs) {
        await ensureReceipts(this.#db, this.#publication, this.#receipts);
        throw new Error(`${waiting.size} barriers were not read back in ${READ_TIMEOUT_MS} ms`);
      }
      const receipts = await readReceipts(this.#db, this.#publication, this.#receipts);
      const reached: T[] = [];
      for (const { barrier } of receipts) {
        const found = barrier === null ? undefined : waiting.get(barrier);
        if (barrier === null || found === undefined) continue;
        reached.push(found);
        waiting.delete(barrier);
      }
      if (reached.length > 0) await onBarriers(reached, receipts);
    }
  }

  /** Learns how far Pub/Sub's clock is from PostgreSQL's, which requests are dated by. */
  async #measureClock(): Promise<void> {
    await ensureReceipts(this.#db, this.#publication, this.#receipts);
    const { nowMs } = await readOldestInDoubt(this.#db, this.#publication);
    const monotonicMs = performance.now();
    const barrier = await this.#publishBarrier(CLOCK_KEY);
    await this.#readUntil(new Map([[barrier, barrier]]), async (_, receipts) => {
      const at = receipts.find((each) => each.barrier === barrier)?.publishedAtMs ?? nowMs;
      this.#clock = { skewMs: at - nowMs, databaseMs: nowMs, monotonicMs };
    });
  }

  /**
   * Forgets the receipts of messages that were published before anything still in doubt was sent.
   * A clock that jumped since it was measured is measured anew first.
   */
  async #purge(): Promise<void> {
    if (this.#clock === null || performance.now() - this.#purgedAtMs < PURGE_EVERY_MS) return;
    const { nowMs, sentAtMs } = await readOldestInDoubt(this.#db, this.#publication);
    const { skewMs, databaseMs, monotonicMs } = this.#clock;
    const jumpMs = nowMs - databaseMs - (performance.now() - monotonicMs);
    if (Math.abs(jumpMs) > PURGE_MARGIN_MS / 2) {
      this.#clock = null;
      return;
    }
    const untilMs = Math.min(sentAtMs ?? nowMs, nowMs) + skewMs - PURGE_MARGIN_MS;
    this.#purgedAtMs = performance.now();
    if (untilMs <= this.#purgedUntilMs) return;
    await this.#receipts.purge(this.#publication.topic, untilMs);
    this.#purgedUntilMs = untilMs;
  }
}

function nameOf({ orderingKey, inDoubtSequence }: DoubtedKey): string {
  return `${orderingKey}@${inDoubtSequence}`;
}
