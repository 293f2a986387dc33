import type { Kysely } from "kysely";
import type { Logger } from "pino";
import { type Backoff, backoffMs } from "./backoff.ts";
import type { RelayMetrics } from "./metrics.ts";
import { type Accepted, type Batch, blockKey, claim, mark } from "./progress.ts";
import { haltPublication, type Publication } from "./publication.ts";
import { classifyPublishError, codeName } from "./publish-error.ts";
import { Signal } from "./signal.ts";

/** Sends one batch; resolves when Pub/Sub has accepted all of it. */
export type Send = (batch: Batch) => Promise<void>;

export type PublishLoopOptions = {
  /** Publish requests in flight, at the most; each is of another key. */
  maxRequests: number;
  /** Messages claimed and not yet marked, at the most: the bound of the relay's memory. */
  maxMessages: number;
  backoff: Backoff;
};

/**
 * Publishes what the journal holds, for one publication.
 *
 * A key is in one of these states:
 *
 *   idle ──claim──► in flight ──accepted──► accepted ──mark──► idle
 *                      │  ▲
 *               failed ▼  │ back-off over: claimed anew, from the first message not marked
 *                    waiting
 *                      └── refused for good ──► blocked (in the journal, until a person acts)
 *
 * In every state but idle and blocked a key is busy, and a busy key is never claimed: so at most
 * one request of a key is under way, and the next begins where the mark says. Keys take turns. An
 * error of the topic itself (missing, no permission) holds all keys back for a while.
 */
export class PublishLoop {
  readonly #busy = new Set<string>();
  readonly #failures = new Map<string, number>();
  readonly #wake = new Signal();
  #accepted: Accepted[] = [];
  #isMarking = false;
  #messagesUnderWay = 0;
  #requestsUnderWay = 0;
  #topicFailures = 0;
  #topicHeldUntilMs = 0;
  #stopping = false;

  readonly #db: Kysely<unknown>;
  readonly #publication: Publication;
  readonly #send: Send;
  readonly #log: Logger;
  readonly #metrics: RelayMetrics;
  readonly #options: PublishLoopOptions;

  constructor(
    db: Kysely<unknown>,
    publication: Publication,
    send: Send,
    log: Logger,
    metrics: RelayMetrics,
    options: PublishLoopOptions,
  ) {
    this.#db = db;
    this.#publication = publication;
    this.#send = send;
    this.#log = log.child({ publication: publication.topic });
    this.#metrics = metrics;
    this.#options = options;
  }

  /** Says that there may be something new in the journal. */
  wake(): void {
    this.#wake.set();
  }

  /** Claims nothing more. `run` returns when everything in flight has an answer that is marked. */
  stop(): void {
    this.#stopping = true;
    this.#wake.set();
  }

  /** Runs until `stop`. A journal that does not answer is asked again; nothing is lost by it. */
  async run(): Promise<void> {
    let after = "";
    let journalFailures = 0;
    while (!this.#stopping) {
      if (!this.#mayClaim()) {
        await this.#wake.wait();
        continue;
      }
      try {
        const batches = await this.#claim(after);
        journalFailures = 0;
        const last = batches.at(-1)?.orderingKey;
        if (last === undefined && after === "") await this.#wake.wait();
        after = last ?? "";
        for (const batch of batches) void this.#deliver(batch);
      } catch (error) {
        journalFailures += 1;
        this.#log.error({ err: error }, "the journal could not be read; trying again");
        await this.#wake.wait(backoffMs(this.#options.backoff, journalFailures));
      }
    }
    while (this.#requestsUnderWay > 0 || this.#isMarking) await this.#wake.wait();
  }

  #mayClaim(): boolean {
    return (
      this.#publication.haltedReason === null &&
      Date.now() >= this.#topicHeldUntilMs &&
      this.#busy.size < this.#options.maxRequests &&
      this.#messagesUnderWay < this.#options.maxMessages
    );
  }

  async #claim(after: string): Promise<Batch[]> {
    const batches = await claim(this.#db, this.#publication, after, this.#busy, {
      keys: this.#options.maxRequests - this.#busy.size,
      messages: this.#options.maxMessages - this.#messagesUnderWay,
    });
    for (const { orderingKey, messages } of batches) {
      this.#busy.add(orderingKey);
      this.#messagesUnderWay += messages.length;
    }
    return batches;
  }

  async #deliver(batch: Batch): Promise<void> {
    const { orderingKey, messages } = batch;
    this.#requestsUnderWay += 1;
    const startedMs = performance.now();
    try {
      await this.#send(batch);
      this.#metrics.sent(this.#publication.topic, messages.length, performance.now() - startedMs);
      this.#failures.delete(orderingKey);
      this.#topicFailures = 0;
      this.#accepted.push({ orderingKey, sequence: messages.at(-1)?.sequence ?? 0 });
      this.#messagesUnderWay -= messages.length;
      if (!this.#isMarking) void this.#markAccepted();
    } catch (error) {
      this.#messagesUnderWay -= messages.length;
      await this.#afterFailure(batch, error);
    } finally {
      this.#requestsUnderWay -= 1;
      this.#wake.set();
    }
  }

  /** Marks everything accepted so far in one statement, and what came meanwhile in the next. */
  async #markAccepted(): Promise<void> {
    this.#isMarking = true;
    let failures = 0;
    while (this.#accepted.length > 0) {
      const accepted = this.#accepted;
      this.#accepted = [];
      try {
        await mark(this.#db, this.#publication, accepted);
        failures = 0;
        for (const { orderingKey } of accepted) this.#busy.delete(orderingKey);
        this.#wake.set();
      } catch (error) {
        failures += 1;
        this.#accepted.push(...accepted);
        this.#log.error({ err: error }, "what Pub/Sub accepted could not be marked; trying again");
        await new Promise((resolve) =>
          setTimeout(resolve, backoffMs(this.#options.backoff, failures)),
        );
      }
    }
    this.#isMarking = false;
    this.#wake.set();
  }

  async #afterFailure({ orderingKey, messages }: Batch, error: unknown): Promise<void> {
    const failure = classifyPublishError(error);
    const { topic } = this.#publication;
    this.#metrics.failed(topic, codeName(error));
    const context = { err: error, orderingKey, sequence: messages[0]?.sequence };
    if (failure === "message") {
      this.#log.error(context, "Pub/Sub refuses this message for good; its key is blocked");
      const reason = `sequence ${messages[0]?.sequence}: ${(error as Error).message}`;
      await blockKey(this.#db, this.#publication, orderingKey, reason).catch((cause) =>
        haltPublication(this.#db, this.#publication, `${orderingKey}, ${reason} (${cause})`),
      );
      this.#busy.delete(orderingKey);
      return;
    }
    const failures = (this.#failures.get(orderingKey) ?? 0) + 1;
    this.#failures.set(orderingKey, failures);
    let waitMs = backoffMs(this.#options.backoff, failures);
    if (failure === "topic") {
      this.#topicFailures += 1;
      waitMs = backoffMs(this.#options.backoff, this.#topicFailures);
      this.#topicHeldUntilMs = Math.max(this.#topicHeldUntilMs, Date.now() + waitMs);
      this.#log.error(context, "the topic cannot be published to; trying again later");
    } else this.#log.warn(context, "publishing failed; trying again");
    setTimeout(() => {
      this.#busy.delete(orderingKey);
      this.#wake.set();
    }, waitMs).unref();
  }
}
