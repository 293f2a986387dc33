import { setTimeout } from "node:timers/promises";
import type { Logger } from "pino";
import { backoffMs } from "../backoff.ts";
import type { Lease } from "../leases/lease-keeper.ts";
import { Signal } from "../signal.ts";
import {
  type Batch,
  claim,
  doubtOrphanedClaims,
  markDoubted,
  markPublished,
  type Outcome,
  unclaim,
} from "./progress.ts";
import { classifyPublishError, codeName } from "./publish-error.ts";
import type { PublishLoopOptions } from "./publish-loop-options.ts";
import { TopicHold } from "./topic-hold.ts";

/** How often to look for claims whose answer never came; nobody knows when such a claim is executed. */
const ORPHANS_EVERY_MS = 5_000;
/** Between two statements that mark what was accepted, while more is under way. */
const MARK_PAUSE_MS = 5;

/**
 * Publishes what the journal holds, for one publication, in the partitions that this instance has
 * leases on. A key, as the journal knows it:
 *
 *   idle ──claim──► in doubt ──accepted──► idle, further on
 *                      ├── refused, or not sent ──► idle, as before
 *                      ├── refused for good ──► blocked: needs operator action
 *                      └── no answer, any other error, owner gone ──► doubted
 *                              doubted ──receipts read (DoubtResolver)──► idle
 *
 * Only idle keys are claimed, so a key has one request at most, and none while in doubt. Keys take
 * turns. When the topic itself refuses, all keys are held back for a while.
 */
export class PublishLoop {
  readonly #options: PublishLoopOptions;
  readonly #log: Logger;
  readonly #wake = new Signal();
  readonly #inFlight = new Set<Outcome>();
  readonly #hold: TopicHold;
  /** When to look for orphaned claims next. */
  #orphansAtMs = 0;
  #messages = 0;
  #accepted: Outcome[] = [];
  #isMarking = false;
  #stopping = false;

  constructor(options: PublishLoopOptions) {
    this.#options = options;
    this.#log = options.log.child({ publication: options.publication.topic });
    this.#hold = new TopicHold({
      recheck: () => options.transport.recheckTopic(),
      onReleased: () => this.#wake.set(),
      backoff: options.backoff,
      log: this.#log,
    });
  }

  /** Says that there may be something new to publish. */
  wake(): void {
    this.#wake.set();
  }

  /** Batches of a partition whose outcome is not written down yet. */
  inFlight(partition: number): number {
    return [...this.#inFlight].filter(({ lease }) => lease.partition === partition).length;
  }

  /** Claims nothing more. `run` returns when the outcome of everything in flight is written down. */
  stop(): void {
    this.#stopping = true;
    this.#wake.set();
  }

  /** Runs until `stop`. A journal that does not answer is asked again; nothing is lost by it. */
  async run(): Promise<void> {
    let after = "";
    let failures = 0;
    while (!this.#stopping) {
      const waitMs = this.#mustWaitMs();
      if (waitMs !== null) {
        await this.#wake.wait(waitMs);
        continue;
      }
      try {
        const batches = await this.#claim(after);
        failures = 0;
        const last = batches.at(-1)?.orderingKey;
        if (last === undefined && after === "") await this.#wake.wait(this.#options.pollIntervalMs);
        after = last ?? "";
      } catch (error) {
        failures += 1;
        this.#orphansAtMs = 0;
        this.#log.error(
          { event: "claim.failed", err: error },
          "the journal could not be read; trying again",
        );
        await this.#wake.wait(backoffMs(this.#options.backoff, failures));
      }
    }
    while (this.#inFlight.size > 0 || this.#isMarking) await this.#wake.wait();
  }

  /** Null when something may be claimed now; otherwise how long to wait for a wake at the most. */
  #mustWaitMs(): number | null {
    // At least half of everything has to be free: a claim of many keys costs hardly more than of one.
    const isBusy =
      this.#inFlight.size > this.#options.maxRequests / 2 ||
      this.#messages > this.#options.maxMessages / 2;
    const isIdle =
      this.#hold.isHeld ||
      this.#options.publication.haltedReason !== null ||
      this.#options.leases.partitions(this.#options.publication).length === 0;
    return isBusy || isIdle ? 1_000 : null;
  }

  async #claim(after: string): Promise<Batch[]> {
    const leases = this.#options.leases.partitions(this.#options.publication);
    if (performance.now() >= this.#orphansAtMs) {
      await this.#doubtOrphanedClaims(leases);
      this.#orphansAtMs = performance.now() + ORPHANS_EVERY_MS;
    }
    const claimedMs = performance.now();
    const batches = await claim(
      this.#options.db,
      this.#options.publication,
      this.#options.leases.instance,
      leases,
      after,
      {
        keys: this.#options.maxRequests - this.#inFlight.size,
        messages: this.#options.maxMessages - this.#messages,
      },
    );
    for (const batch of batches) void this.#deliver(batch, claimedMs);
    return batches;
  }

  /** A claim that failed here may be executed all the same, also later: then nobody sends its keys. */
  async #doubtOrphanedClaims(leases: Lease[]): Promise<void> {
    const known = [...this.#inFlight].map(({ orderingKey }) => orderingKey);
    const { instance } = this.#options.leases;
    const count = await doubtOrphanedClaims(
      this.#options.db,
      this.#options.publication,
      instance,
      leases,
      known,
    );
    if (count > 0) this.#options.onDoubt();
  }

  async #deliver(batch: Batch, claimedMs: number): Promise<void> {
    const outcome = {
      orderingKey: batch.orderingKey,
      lease: batch.lease,
      sequence: batch.messages.at(-1)?.sequence ?? 0,
    };
    this.#inFlight.add(outcome);
    this.#messages += batch.messages.length;
    try {
      const timeoutMs = claimedMs + this.#options.publishTimeoutMs - performance.now();
      if (timeoutMs <= 0 || !this.#options.leases.isHeld(batch.lease)) {
        // We were paused since the claim: others may believe the request dead already.
        await this.#freeUnsent(batch, outcome);
      } else await this.#send(batch, outcome, timeoutMs);
    } finally {
      this.#wake.set();
    }
  }

  async #send(batch: Batch, outcome: Outcome, timeoutMs: number): Promise<void> {
    const { topic } = this.#options.publication;
    const startedMs = performance.now();
    try {
      await this.#options.transport.send(batch, timeoutMs);
    } catch (error) {
      this.#options.metrics.failed(topic, codeName(error));
      await this.#afterFailure(batch, outcome, error);
      return;
    }
    this.#options.metrics.sent(topic, batch.messages.length, performance.now() - startedMs);
    this.#hold.forget();
    this.#messages -= batch.messages.length;
    batch.messages = [];
    this.#accepted.push(outcome);
    if (!this.#isMarking) await this.#markAccepted();
  }

  /**
   * Marks everything accepted so far in one statement, and what came meanwhile in the next, after a
   * pause that lets more come together. Whoever is alone is marked at once.
   */
  async #markAccepted(): Promise<void> {
    this.#isMarking = true;
    while (this.#accepted.length > 0) {
      const accepted = this.#accepted;
      this.#accepted = [];
      await this.#retry(() =>
        markPublished(
          this.#options.db,
          this.#options.publication,
          this.#options.leases.instance,
          accepted,
        ),
      );
      for (const each of accepted) this.#inFlight.delete(each);
      this.#wake.set();
      if (this.#inFlight.size > 0) await setTimeout(MARK_PAUSE_MS);
    }
    this.#isMarking = false;
    this.#wake.set();
  }

  async #afterFailure(batch: Batch, outcome: Outcome, error: unknown): Promise<void> {
    const failure = classifyPublishError(error);
    const { orderingKey, sequence } = outcome;
    const context = { err: error, orderingKey, sequence };
    const { instance } = this.#options.leases;
    if (failure === "unknown") {
      this.#log.warn(
        { event: "publish.in-doubt", ...context },
        "nobody knows whether Pub/Sub accepted this; asking the receipts",
      );
      await this.#write(batch, outcome, () =>
        markDoubted(this.#options.db, this.#options.publication, instance, outcome),
      );
      this.#options.onDoubt();
      return;
    }
    if (failure === "message") {
      this.#log.error(
        { event: "key.blocked", ...context },
        "Pub/Sub refuses this message for good; its key is blocked",
      );
      const reason = `up to sequence ${sequence}: ${(error as Error).message}`;
      await this.#write(batch, outcome, () =>
        unclaim(this.#options.db, this.#options.publication, instance, outcome, reason),
      );
      return;
    }
    this.#hold.hold(context);
    await this.#freeUnsent(batch, outcome);
  }

  /**
   * Frees a key whose batch was not sent. When the answer to that is lost, the key may be free, and
   * claimed again, already: to free it once more would put a second request in flight. To doubt it
   * only costs time.
   */
  async #freeUnsent(batch: Batch, outcome: Outcome): Promise<void> {
    const { instance } = this.#options.leases;
    let tries = 0;
    await this.#write(batch, outcome, () =>
      tries++ === 0
        ? unclaim(this.#options.db, this.#options.publication, instance, outcome, null)
        : markDoubted(this.#options.db, this.#options.publication, instance, outcome),
    );
  }

  /** Writes the outcome of one batch down, and only then counts it as over. */
  async #write(batch: Batch, outcome: Outcome, write: () => Promise<void>): Promise<void> {
    this.#messages -= batch.messages.length;
    await this.#retry(write);
    this.#inFlight.delete(outcome);
  }

  /** Until it succeeds: as long as this process lives, it alone knows the outcome. */
  async #retry(write: () => Promise<void>): Promise<void> {
    for (let failures = 1; ; failures++)
      try {
        await write();
        return;
      } catch (error) {
        this.#log.error(
          { event: "outcome.unwritten", err: error },
          "an outcome could not be written down; trying again",
        );
        const waitMs = backoffMs(this.#options.backoff, failures);
        await setTimeout(waitMs);
      }
  }
}
