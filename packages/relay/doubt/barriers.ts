import { randomUUID } from "node:crypto";
import type { PubsubTopics } from "../publish/pubsub-topics.ts";
import { ReadingEnded } from "./read-receipts.ts";
import type { Receipt } from "./receipts.ts";

/** Ordering key of the barriers that concern no key: the clock's and the watermarks. No event has it. */
export const CLOCK_KEY = "relay:clock";

const AT_ONCE = 32;
/** Without any receipt. */
const QUIET_TIMEOUT_MS = 30_000;
/** However many come: a barrier that is lost never does. */
const READ_TIMEOUT_MS = 1_800_000;

export type BarrierOptions = {
  topic: string;
  /** Longest life of the request that publishes a barrier. */
  publishTimeoutMs: number;
  /** Makes sure of the receipts when one was not published, or does not come by. */
  ensureReceipts: () => Promise<unknown>;
  /** False from when somebody else reads, or the relay stops. */
  isReader: () => boolean;
};

/**
 * Publishes barriers, and reads receipts until they come by: then everything that was accepted
 * before one on its key was read.
 */
export class Barriers {
  readonly #topics: PubsubTopics;
  readonly #options: BarrierOptions;

  constructor(topics: PubsubTopics, options: BarrierOptions) {
    this.#topics = topics;
    this.#options = options;
  }

  /** @returns the barrier's name */
  async publish(orderingKey: string, barrier: string = randomUUID()): Promise<string> {
    const { topic, publishTimeoutMs, ensureReceipts } = this.#options;
    try {
      await this.#topics.publishBarrier(topic, orderingKey, barrier, publishTimeoutMs);
    } catch (error) {
      // A topic that was made again has no receipts yet. A barrier that is lost only costs another one.
      await ensureReceipts();
      throw error;
    }
    return barrier;
  }

  /** One barrier on the key of each; by the barrier's name. */
  async publishAll<T extends { orderingKey: string }>(keys: T[]): Promise<Map<string, T>> {
    const waiting = new Map<string, T>();
    // Receipts of a topic that is gone would never bring a barrier.
    if (keys.length > 0) await this.#options.ensureReceipts();
    for (let at = 0; at < keys.length; at += AT_ONCE)
      await Promise.all(
        keys.slice(at, at + AT_ONCE).map(async (key) => {
          waiting.set(await this.publish(key.orderingKey), key);
        }),
      );
    return waiting;
  }

  /**
   * Reads until every barrier came by, for as long as receipts come, handing over what belongs to
   * those that did.
   *
   * @throws when one does not come, or what `read` and `onReached` throw
   */
  async readUntil<T>(
    waiting: Map<string, T>,
    read: () => Promise<Receipt[]>,
    onReached: (reached: T[], receipts: Receipt[]) => Promise<void>,
  ): Promise<void> {
    const startedMs = performance.now();
    let cameAtMs = startedMs;
    while (waiting.size > 0) {
      if (!this.#options.isReader()) throw new ReadingEnded("the barriers were not read back");
      const nowMs = performance.now();
      if (nowMs - cameAtMs > QUIET_TIMEOUT_MS || nowMs - startedMs > READ_TIMEOUT_MS) {
        await this.#options.ensureReceipts();
        const seconds = Math.round((nowMs - startedMs) / 1000);
        throw new Error(`${waiting.size} barriers were not read back in ${seconds} s`);
      }
      const receipts = await read();
      if (receipts.length > 0) cameAtMs = performance.now();
      const reached: T[] = [];
      for (const { barrier } of receipts) {
        const found = barrier === null ? undefined : waiting.get(barrier);
        if (barrier === null || found === undefined) continue;
        reached.push(found);
        waiting.delete(barrier);
      }
      if (reached.length > 0) await onReached(reached, receipts);
    }
  }
}
