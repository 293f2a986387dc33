import type { MessageBatch } from "./message-batch.ts";
import type { TopicLog } from "./topic-log.ts";

/**
 * The log of a topic whose server was started without a data folder. It holds only what may be
 * sought back to: what is open is in memory with the subscriptions anyway.
 */
export class MemoryTopicLog implements TopicLog {
  readonly #keepsHistory: () => boolean;
  #batches: MessageBatch[] = [];
  #nextSequence = 0;

  constructor(keepsHistory: () => boolean) {
    this.#keepsHistory = keepsHistory;
  }

  get nextSequence(): number {
    return this.#nextSequence;
  }

  append(batch: MessageBatch): void {
    if (this.#keepsHistory()) this.#batches.push(batch);
    this.#nextSequence = batch.firstSequence + batch.messages.length;
  }

  *read(sequence: number, fromMs = 0): Iterable<MessageBatch> {
    for (const batch of this.#batches) {
      if (batch.publishTimeMs < fromMs) continue;
      if (batch.firstSequence + batch.messages.length > sequence) yield batch;
    }
  }

  trim(_sequence: number, timeMs: number): void {
    const kept = this.#batches.findIndex((batch) => batch.publishTimeMs >= timeMs);
    this.#batches = kept === -1 ? [] : this.#batches.slice(kept);
  }

  close(): void {}

  destroy(): void {
    this.#batches = [];
  }
}
