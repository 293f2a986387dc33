import { createBatch, type StoredMessage } from "./message-batch.ts";
import { durationMs, type TopicResource } from "./resources.ts";
import type { Subscription } from "./subscription.ts";
import type { TopicLog } from "./topic-log.ts";

/** Each topic's message ids are its uid times this, plus the sequence: unique, rising, < 2^53. */
const IDS_PER_TOPIC = 1e10;

/** A topic: numbers messages, logs them and passes them to the subscriptions that exist now. */
export class Topic {
  readonly uid: number;
  readonly subscriptions = new Set<Subscription>();
  resource: TopicResource;
  /** Deleted topics stay while subscriptions still have messages of theirs. */
  isDeleted: boolean;
  publishedCount = 0;
  readonly #log: TopicLog;
  #nextSequence: number;
  #lastPublishTimeMs = 0;

  constructor(options: {
    uid: number;
    resource: TopicResource;
    isDeleted: boolean;
    openLog: (keepsHistory: () => boolean) => TopicLog;
  }) {
    this.uid = options.uid;
    this.resource = options.resource;
    this.isDeleted = options.isDeleted;
    this.#log = options.openLog(() => this.#historyMs() > 0);
    this.#nextSequence = this.#log.nextSequence;
  }

  get nextSequence(): number {
    return this.#nextSequence;
  }

  /** Accepts messages; returns their ids once the operating system has them. */
  publish(messages: readonly { bytes: Buffer; orderingKey: string }[]): string[] {
    const first = this.#nextSequence;
    const publishTimeMs = Math.max(Date.now(), this.#lastPublishTimeMs);
    const ids = messages.map((_, index) => String(this.uid * IDS_PER_TOPIC + first + index));
    const batch = createBatch(first, publishTimeMs, ids, messages);
    this.#log.append(batch);
    this.#lastPublishTimeMs = publishTimeMs;
    this.#nextSequence = first + messages.length;
    this.publishedCount += messages.length;
    for (const subscription of this.subscriptions) subscription.enqueue(batch.messages);
    return ids;
  }

  /**
   * Hands the subscriptions what was open when the server went away. `backlogs` tells
   * for each one which sequences those are.
   */
  recover(
    backlogs: ReadonlyMap<
      Subscription,
      { oldest: number; end: number; owes(sequence: number): boolean }
    >,
  ): void {
    for (const { end } of backlogs.values()) {
      this.#nextSequence = Math.max(this.#nextSequence, end);
    }
    const oldest = Math.min(...[...backlogs.values()].map((backlog) => backlog.oldest));
    for (const { messages, publishTimeMs } of this.#log.read(oldest)) {
      this.#lastPublishTimeMs = publishTimeMs;
      for (const message of messages) {
        const owing = [...backlogs].filter(([, backlog]) => backlog.owes(message.sequence));
        if (owing.length === 0) continue;
        // A copy, so that one open message does not keep the whole file in memory.
        const copy = { ...message, bytes: Buffer.from(message.bytes) };
        for (const [subscription] of owing) subscription.enqueue([copy]);
      }
    }
  }

  /**
   * Seek: everything retained that was published from `timeMs` on is open again, everything before
   * it is done. Retained is what is open on the subscription, what it keeps although it is
   * done (`retainAckedMessages`), and what the topic keeps for anybody
   * (`messageRetentionDuration`), also from before the subscription existed.
   */
  seek(subscription: Subscription, timeMs: number): void {
    const found = new Map<number, StoredMessage>();
    // Where nobody keeps what is done, everything retained is in memory.
    for (const { messages } of this.#historyMs() > 0 ? this.#log.read(0, timeMs) : []) {
      for (const message of messages) {
        if (!this.#isRetained(message, subscription)) continue;
        found.set(message.sequence, { ...message, bytes: Buffer.from(message.bytes) });
      }
    }
    for (const message of subscription.open()) {
      if (message.publishTimeMs >= timeMs) found.set(message.sequence, message);
    }
    const inOrder = [...found.values()].sort((a, b) => a.sequence - b.sequence);
    subscription.reset(inOrder, this.#nextSequence);
  }

  /** Drops what nobody can ask for any more. */
  trim(): void {
    let needed = this.#nextSequence;
    for (const subscription of this.subscriptions) {
      subscription.expire();
      subscription.compact(this.#nextSequence);
      needed = Math.min(needed, subscription.oldestSequence ?? needed);
    }
    const historyMs = this.#historyMs();
    this.#log.trim(needed, historyMs === 0 ? Number.POSITIVE_INFINITY : Date.now() - historyMs);
  }

  close(): void {
    this.#log.close();
  }

  destroy(): void {
    this.#log.destroy();
  }

  #topicRetentionMs(): number {
    const { messageRetentionDuration } = this.resource;
    return messageRetentionDuration === null ? 0 : durationMs(messageRetentionDuration);
  }

  /** How far back done messages can be asked for, by anybody. */
  #historyMs(): number {
    return Math.max(
      this.#topicRetentionMs(),
      ...[...this.subscriptions].map((subscription) => ackedRetentionMs(subscription)),
    );
  }

  #isRetained(message: StoredMessage, subscription: Subscription): boolean {
    const ageMs = Date.now() - message.publishTimeMs;
    return (
      ageMs <= this.#topicRetentionMs() ||
      (message.sequence >= subscription.firstSequence && ageMs <= ackedRetentionMs(subscription))
    );
  }
}

function ackedRetentionMs({ resource }: Subscription): number {
  const { retainAckedMessages, messageRetentionDuration } = resource;
  if (!retainAckedMessages || messageRetentionDuration === null) return 0;
  return durationMs(messageRetentionDuration);
}
