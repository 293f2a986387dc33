import type { Kysely } from "kysely";
import type { Logger } from "pino";
import { type Backoff, backoffMs } from "./backoff.ts";
import type { LeaseKeeper } from "./lease-keeper.ts";
import type { RelayMetrics } from "./metrics.ts";
import {
  type Batch,
  claim,
  markDoubted,
  markPublished,
  type Outcome,
  unclaim,
} from "./progress.ts";
import type { Publication } from "./publication.ts";
import { classifyPublishError, codeName } from "./publish-error.ts";
import { Signal } from "./signal.ts";

/** How batches reach Pub/Sub. */
export type Transport = {
  /** Sends one request that lives at most `timeoutMs`; resolves when it is accepted. */
  send(batch: Batch, timeoutMs: number): Promise<void>;
  /** Makes sure, after the topic refused us, that what is published next leaves receipts. */
  recheckTopic(): Promise<void>;
};

export type PublishLoopOptions = {
  /** Publish requests in flight, at the most; each is of another key. */
  maxRequests: number;
  /** Messages claimed and without an answer, at the most: the bound of the relay's memory. */
  maxMessages: number;
  /** Longest life of a request, from its claim on. */
  publishTimeoutMs: number;
  /** How often to look although nothing woke us: another instance may have resolved a doubt. */
  pollIntervalMs: number;
  backoff: Backoff;
};

/**
 * Publishes what the journal holds, for one publication, in the partitions that this instance has
 * leases on. A key, as the journal knows it:
 *
 *   idle ──claim──► in doubt ──accepted──► idle, further on
 *                      ├── refused, or not sent ──► idle, as before
 *                      ├── refused for good ──► blocked, until a person acts
 *                      └── no answer, any other error, owner gone ──► doubted
 *                              doubted ──receipts read (DoubtResolver)──► idle
 *
 * Only idle keys are claimed, so a key has one request at most, and none while in doubt. Keys take
 * turns. When the topic itself refuses, all keys are held back for a while.
 */
export class PublishLoop {
  readonly #db: Kysely<unknown>;
  readonly #publication: Publication;
  readonly #leases: LeaseKeeper;
  readonly #transport: Transport;
  readonly #onDoubt: () => void;
  readonly #log: Logger;
  readonly #metrics: RelayMetrics;
  readonly #options: PublishLoopOptions;

  readonly #wake = new Signal();
  readonly #underWay = new Map<number, number>();
  #requests = 0;
  #messages = 0;
  #accepted: Outcome[] = [];
  #isMarking = false;
  #refusals = 0;
  #isHeld = false;
  #stopping = false;

  constructor(
    db: Kysely<unknown>,
    publication: Publication,
    leases: LeaseKeeper,
    transport: Transport,
    onDoubt: () => void,
    log: Logger,
    metrics: RelayMetrics,
    options: PublishLoopOptions,
  ) {
    this.#db = db;
    this.#publication = publication;
    this.#leases = leases;
    this.#transport = transport;
    this.#onDoubt = onDoubt;
    this.#log = log.child({ publication: publication.topic });
    this.#metrics = metrics;
    this.#options = options;
  }

  /** Says that there may be something new to publish. */
  wake(): void {
    this.#wake.set();
  }

  /** Batches of a partition whose outcome is not written down yet. */
  underWay(partition: number): number {
    return this.#underWay.get(partition) ?? 0;
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
        this.#log.error({ err: error }, "the journal could not be read; trying again");
        await this.#wake.wait(backoffMs(this.#options.backoff, failures));
      }
    }
    while (this.#requests > 0 || this.#isMarking) await this.#wake.wait();
  }

  /** Null when something may be claimed now; otherwise how long to wait for a wake at the most. */
  #mustWaitMs(): number | null {
    const isBusy =
      this.#requests >= this.#options.maxRequests || this.#messages >= this.#options.maxMessages;
    const isIdle =
      this.#isHeld ||
      this.#publication.haltedReason !== null ||
      this.#leases.partitions(this.#publication).length === 0;
    return isBusy || isIdle ? 1_000 : null;
  }

  async #claim(after: string): Promise<Batch[]> {
    const claimedMs = performance.now();
    const batches = await claim(
      this.#db,
      this.#publication,
      this.#leases.instance,
      this.#leases.partitions(this.#publication),
      after,
      {
        keys: this.#options.maxRequests - this.#requests,
        messages: this.#options.maxMessages - this.#messages,
      },
    );
    for (const batch of batches) void this.#deliver(batch, claimedMs);
    return batches;
  }

  async #deliver(batch: Batch, claimedMs: number): Promise<void> {
    this.#begin(batch);
    const outcome = {
      orderingKey: batch.orderingKey,
      lease: batch.lease,
      sequence: batch.messages.at(-1)?.sequence ?? 0,
    };
    try {
      const timeoutMs = claimedMs + this.#options.publishTimeoutMs - performance.now();
      if (timeoutMs <= 0 || !this.#leases.isHeld(batch.lease)) {
        // We were paused since the claim: others may believe the request dead already.
        await this.#write(() => this.#unclaim(outcome, null), batch);
      } else await this.#send(batch, outcome, timeoutMs);
    } finally {
      this.#wake.set();
    }
  }

  async #send(batch: Batch, outcome: Outcome, timeoutMs: number): Promise<void> {
    const { topic } = this.#publication;
    const startedMs = performance.now();
    try {
      await this.#transport.send(batch, timeoutMs);
    } catch (error) {
      this.#metrics.failed(topic, codeName(error));
      await this.#afterFailure(batch, outcome, error);
      return;
    }
    this.#metrics.sent(topic, batch.messages.length, performance.now() - startedMs);
    this.#refusals = 0;
    this.#messages -= batch.messages.length;
    batch.messages = [];
    this.#accepted.push(outcome);
    if (!this.#isMarking) await this.#markAccepted();
  }

  /** Marks everything accepted so far in one statement, and what came meanwhile in the next. */
  async #markAccepted(): Promise<void> {
    this.#isMarking = true;
    while (this.#accepted.length > 0) {
      const accepted = this.#accepted;
      this.#accepted = [];
      await this.#retry(() =>
        markPublished(this.#db, this.#publication, this.#leases.instance, accepted),
      );
      for (const { lease } of accepted) this.#end(lease.partition);
      this.#wake.set();
    }
    this.#isMarking = false;
  }

  async #afterFailure(batch: Batch, outcome: Outcome, error: unknown): Promise<void> {
    const failure = classifyPublishError(error);
    const { orderingKey, sequence } = outcome;
    const context = { err: error, orderingKey, sequence };
    const { instance } = this.#leases;
    if (failure === "unknown") {
      this.#log.warn(context, "nobody knows whether Pub/Sub accepted this; asking the receipts");
      await this.#write(() => markDoubted(this.#db, this.#publication, instance, outcome), batch);
      this.#onDoubt();
      return;
    }
    if (failure === "message") {
      this.#log.error(context, "Pub/Sub refuses this message for good; its key is blocked");
      const reason = `up to sequence ${sequence}: ${(error as Error).message}`;
      await this.#write(() => this.#unclaim(outcome, reason), batch);
      return;
    }
    this.#holdBack(context);
    await this.#write(() => this.#unclaim(outcome, null), batch);
  }

  /** The topic refuses everything: waits longer each time, and checks it before going on. */
  #holdBack(context: object): void {
    if (this.#isHeld) return;
    this.#isHeld = true;
    this.#refusals += 1;
    const waitMs = backoffMs(this.#options.backoff, this.#refusals);
    this.#log.error({ ...context, waitMs }, "the topic cannot be published to; trying again later");
    setTimeout(() => void this.#recheck(), waitMs).unref();
  }

  async #recheck(): Promise<void> {
    try {
      await this.#transport.recheckTopic();
      this.#isHeld = false;
      this.#wake.set();
    } catch (error) {
      this.#isHeld = false;
      this.#holdBack({ err: error });
    }
  }

  #unclaim(outcome: Outcome, blockedReason: string | null): Promise<void> {
    const { instance } = this.#leases;
    return unclaim(this.#db, this.#publication, instance, outcome, blockedReason);
  }

  /** Writes the outcome of one batch down, and only then counts it as over. */
  async #write(write: () => Promise<void>, batch: Batch): Promise<void> {
    this.#messages -= batch.messages.length;
    await this.#retry(write);
    this.#end(batch.lease.partition);
  }

  /** Until it succeeds: as long as this process lives, it alone knows the outcome. */
  async #retry(write: () => Promise<void>): Promise<void> {
    for (let failures = 1; ; failures++)
      try {
        await write();
        return;
      } catch (error) {
        this.#log.error({ err: error }, "an outcome could not be written down; trying again");
        const waitMs = backoffMs(this.#options.backoff, failures);
        await new Promise((resolve) => setTimeout(resolve, waitMs));
      }
  }

  #begin({ messages, lease: { partition } }: Batch): void {
    this.#requests += 1;
    this.#messages += messages.length;
    this.#underWay.set(partition, this.underWay(partition) + 1);
  }

  #end(partition: number): void {
    this.#requests -= 1;
    this.#underWay.set(partition, this.underWay(partition) - 1);
  }
}
