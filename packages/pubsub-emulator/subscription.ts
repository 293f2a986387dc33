import { newAckId } from "./ack-id.ts";
import { DeadlineWheel } from "./deadline-wheel.ts";
import {
  type Consumer,
  ConsumerSlot,
  type Delivery,
  OrderedKey,
  type ReceivedMessage,
} from "./delivery.ts";
import type { DoneLog } from "./done-log.ts";
import { Fifo } from "./fifo.ts";
import { type Filter, parseFilter } from "./filter.ts";
import type { StoredMessage } from "./message-batch.ts";
import { MessageView } from "./message-view.ts";
import { ReadyQueue } from "./ready-queue.ts";
import { durationMs, type SubscriptionResource } from "./resources.ts";
import { retryBackoffMs } from "./retry-backoff.ts";

const RESPONSE_MESSAGES = 1_000;
const RESPONSE_BYTES = 1_000_000;

/**
 * Who has which message of one subscription.
 *
 *     ready ── handed to a consumer, new ack id ──► outstanding
 *     outstanding ── ack ──► done; with an ordering key: acked
 *     acked ── everything before it on its key is acked ──► done
 *     outstanding ── nack or deadline ──► dead-lettered (done) after the allowed attempts,
 *                                         otherwise waiting ── back-off ──► ready
 *     outstanding, acked ── an earlier message of the key fails ──► ready
 *     any ── older than the retention ──► done
 *
 * Only done messages are gone for good: after a restart all others, the open ones, are ready again.
 * An ack id that is not outstanding (any more) is stale and ignored.
 */
export class Subscription {
  readonly uid: number;
  readonly firstSequence: number;
  resource: SubscriptionResource;
  /** Publishes to the dead-letter topic; false when there is no such topic. */
  readonly #deadLetter: (subscription: Subscription, delivery: Delivery) => boolean;
  readonly #log: DoneLog | undefined;
  readonly #filter: Filter | undefined;
  readonly #open = new Map<number, Delivery>();
  readonly #ready = new ReadyQueue();
  readonly #outstanding = new Map<string, Delivery>();
  readonly #slots = new Fifo<ConsumerSlot>();
  readonly #attached = new Set<ConsumerSlot>();
  readonly #deadlines = new DeadlineWheel<Delivery>((expired) => this.#failAll(expired));
  readonly #backoffs = new DeadlineWheel<Delivery | OrderedKey>((due) => this.#endBackoff(due));
  #done: number[] = [];
  #pumpIsDue = false;

  constructor(options: {
    uid: number;
    firstSequence: number;
    resource: SubscriptionResource;
    log: DoneLog | undefined;
    deadLetter: (subscription: Subscription, delivery: Delivery) => boolean;
  }) {
    this.uid = options.uid;
    this.firstSequence = options.firstSequence;
    this.resource = options.resource;
    this.#log = options.log;
    this.#deadLetter = options.deadLetter;
    this.#filter =
      options.resource.filter === "" ? undefined : parseFilter(options.resource.filter);
  }

  get openCount(): number {
    return this.#open.size;
  }

  get outstandingCount(): number {
    return this.#outstanding.size;
  }

  /** The oldest open sequence. */
  get oldestSequence(): number | undefined {
    return this.#open.keys().next().value;
  }

  /** Whether the filter lets a message through. */
  passes(message: StoredMessage): boolean {
    return this.#filter?.(new MessageView(message.bytes).attributes) ?? true;
  }

  /** Takes messages in publish order. Those that the filter refuses count as acked. */
  enqueue(messages: Iterable<StoredMessage>): void {
    for (const message of messages) {
      if (!this.passes(message)) continue;
      const key = this.resource.enableMessageOrdering ? message.orderingKey : "";
      this.#open.set(message.sequence, this.#ready.add(message, key));
    }
    this.#schedulePump();
  }

  /** Starts to hand messages to `consumer`. Call `wake` when it can take more again. */
  attach(consumer: Consumer): { wake(): void; detach(): void } {
    const slot = new ConsumerSlot(consumer);
    this.#attached.add(slot);
    this.#slots.push(slot);
    this.#schedulePump();
    return {
      wake: () => this.#schedulePump(),
      detach: () => void this.#attached.delete(slot),
    };
  }

  /** Returns the ack ids that were not outstanding. */
  acknowledge(ackIds: readonly string[]): string[] {
    const stale: string[] = [];
    for (const ackId of ackIds) {
      const delivery = this.#outstanding.get(ackId);
      if (delivery === undefined) stale.push(ackId);
      else {
        this.#handBack(delivery);
        this.#finish(delivery);
      }
    }
    this.#flushDone();
    this.#schedulePump();
    return stale;
  }

  /** 0 seconds is a nack. Returns the ack ids that were not outstanding. */
  modifyAckDeadline(ackIds: readonly string[], seconds: number): string[] {
    const known = ackIds.flatMap((ackId) => this.#outstanding.get(ackId) ?? []);
    const stale = ackIds.filter((ackId) => !this.#outstanding.has(ackId));
    if (seconds === 0) this.#failAll(known);
    else {
      const deadline = Date.now() + seconds * 1000;
      for (const delivery of known) this.#deadlines.set(delivery, deadline);
    }
    return stale;
  }

  /** Finishes what is older than the subscription's retention. */
  expire(): void {
    const { messageRetentionDuration } = this.resource;
    if (messageRetentionDuration === null) return;
    const before = Date.now() - durationMs(messageRetentionDuration);
    for (const delivery of this.#open.values()) {
      if (delivery.message.publishTimeMs >= before) break;
      if (delivery.ackId !== "") this.#handBack(delivery);
      this.#backoffs.clear(delivery);
      this.#finish(delivery);
    }
    this.#flushDone();
  }

  /** The open messages, in publish order. */
  *open(): Iterable<StoredMessage> {
    for (const { message } of this.#open.values()) yield message;
  }

  /** Forgets who has what and starts over with exactly these messages (Seek, DetachSubscription). */
  reset(messages: Iterable<StoredMessage>, nextSequence: number): void {
    for (const delivery of this.#outstanding.values()) this.#handBack(delivery);
    this.#deadlines.clearAll();
    this.#backoffs.clearAll();
    this.#ready.clear();
    for (const slot of this.#attached) slot.keys.clear();
    this.#open.clear();
    this.enqueue(messages);
    this.#log?.rewrite({ upTo: nextSequence, open: this.#open.keys() });
  }

  /** Shortens the done log when it has grown enough. */
  compact(nextSequence: number): void {
    if (this.#log?.isDueForCompaction) {
      this.#log.rewrite({ upTo: nextSequence, open: this.#open.keys() });
    }
  }

  close(): void {
    this.#deadlines.clearAll();
    this.#backoffs.clearAll();
    this.#attached.clear();
    this.#log?.close();
  }

  destroy(): void {
    this.close();
    this.#log?.destroy();
  }

  /** Many changes in one turn of the event loop are answered by one round of handing out. */
  #schedulePump(): void {
    if (this.#pumpIsDue) return;
    this.#pumpIsDue = true;
    setImmediate(() => {
      this.#pumpIsDue = false;
      this.#pump();
    });
  }

  #pump(): void {
    let idle = 0;
    while (idle < this.#slots.size) {
      const slot = this.#slots.shift() as ConsumerSlot;
      if (!this.#attached.has(slot)) continue;
      this.#slots.push(slot);
      const batch = this.#collect(slot);
      if (batch.length === 0) idle++;
      else {
        idle = 0;
        slot.consumer.deliver(batch);
      }
    }
  }

  #collect(slot: ConsumerSlot): ReceivedMessage[] {
    const batch: ReceivedMessage[] = [];
    let bytes = 0;
    const hasRoom = (): boolean =>
      slot.hasRoom && batch.length < RESPONSE_MESSAGES && bytes < RESPONSE_BYTES;
    for (const delivery of this.#ready.take(slot, hasRoom)) {
      batch.push(this.#handOut(delivery, slot));
      bytes += delivery.message.bytes.length;
    }
    return batch;
  }

  #handOut(delivery: Delivery, slot: ConsumerSlot): ReceivedMessage {
    const { message, key } = delivery;
    delivery.ackId = newAckId();
    delivery.slot = slot;
    slot.take(message);
    if (key !== undefined) {
      key.owner = slot;
      key.outstanding++;
    }
    this.#outstanding.set(delivery.ackId, delivery);
    this.#deadlines.set(delivery, Date.now() + slot.consumer.ackDeadlineMs);
    return {
      ackId: delivery.ackId,
      message: message.bytes,
      deliveryAttempt: this.resource.deadLetterPolicy === null ? 0 : delivery.failures + 1,
    };
  }

  /** Makes the ack id stale and gives the consumer its room back. */
  #handBack(delivery: Delivery): void {
    const { slot, key } = delivery;
    this.#outstanding.delete(delivery.ackId);
    this.#deadlines.clear(delivery);
    delivery.ackId = "";
    delivery.slot = undefined;
    slot?.giveBack(delivery.message);
    if (key !== undefined && --key.outstanding === 0) key.owner = undefined;
  }

  #finish(delivery: Delivery): void {
    for (const { message } of this.#ready.finish(delivery)) {
      this.#open.delete(message.sequence);
      this.#done.push(message.sequence);
    }
  }

  #flushDone(): void {
    if (this.#done.length === 0) return;
    this.#log?.append(this.#done);
    this.#done = [];
  }

  #failAll(deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) {
      // An earlier failure of the same key may have taken this one back already.
      if (delivery.ackId !== "") this.#fail(delivery);
    }
    this.#flushDone();
    this.#schedulePump();
  }

  #fail(delivery: Delivery): void {
    this.#handBack(delivery);
    delivery.failures++;
    const policy = this.resource.deadLetterPolicy;
    const isLast = policy !== null && delivery.failures >= policy.maxDeliveryAttempts;
    if (isLast && this.#deadLetter(this, delivery)) {
      this.#finish(delivery);
      return;
    }
    const { key } = delivery;
    for (const later of key?.rewind(delivery) ?? []) {
      if (later.ackId !== "") this.#handBack(later);
    }
    const delayMs = retryBackoffMs(this.resource.retryPolicy, delivery.failures);
    if (delayMs > 0) {
      if (key !== undefined) key.isWaiting = true;
      this.#backoffs.set(key ?? delivery, Date.now() + delayMs);
    } else this.#ready.requeue(key ?? delivery);
  }

  #endBackoff(due: readonly (Delivery | OrderedKey)[]): void {
    for (const item of due) {
      if (item instanceof OrderedKey) item.isWaiting = false;
      this.#ready.requeue(item);
    }
    this.#schedulePump();
  }
}
