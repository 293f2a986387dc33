import { randomBytes } from "node:crypto";
import { DeadlineWheel } from "./deadline-wheel.ts";
import { type Consumer, ConsumerSlot, Delivery, type ReceivedMessage } from "./delivery.ts";
import { Fifo } from "./fifo.ts";
import { type Filter, parseFilter } from "./filter.ts";
import type { StoredMessage } from "./message-batch.ts";
import { MessageView } from "./message-view.ts";
import { OrderedKey } from "./ordered-key.ts";
import { durationMs, type SubscriptionResource } from "./resources.ts";
import type { SettlementLog } from "./settlement-log.ts";
import { backoffBounds } from "./validate-resource.ts";

const RESPONSE_MESSAGES = 1_000;
const RESPONSE_BYTES = 1_000_000;

/** Makes ack ids of an earlier run of the server stale instead of somebody else's. */
const RUN = randomBytes(6).toString("hex");
let ackIdsGiven = 0;

/** Whether this server, in this or an earlier run, may have given out such an ack id. */
export const isAckId = (text: string): boolean => /^[0-9a-f]{12}-\d+-\d+$/.test(text);

/**
 * Who has which message of one subscription.
 *
 *     ready ── handed to a consumer, new ack id ──► outstanding
 *     outstanding ── ack ──► settled; with an ordering key: acked
 *     acked ── everything before it on its key is acked ──► settled
 *     outstanding ── nack or deadline ──► dead-lettered (settled) after the allowed attempts,
 *                                         otherwise waiting ── back-off ──► ready
 *     outstanding, acked ── an earlier message of the key fails ──► ready
 *     any ── older than the retention ──► settled
 *
 * Outside this class only settled messages are gone: after a restart all others are ready again.
 * An ack id that is not outstanding (any more) is stale and ignored.
 */
export class Subscription {
  readonly uid: number;
  readonly firstSequence: number;
  resource: SubscriptionResource;
  /** Publishes to the dead-letter topic; false when there is no such topic. */
  readonly #deadLetter: (subscription: Subscription, delivery: Delivery) => boolean;
  readonly #log: SettlementLog | undefined;
  readonly #filter: Filter | undefined;
  readonly #open = new Map<number, Delivery>();
  readonly #ready = new Fifo<Delivery>();
  readonly #readyKeys = new Fifo<OrderedKey>();
  readonly #keys = new Map<string, OrderedKey>();
  readonly #outstanding = new Map<string, Delivery>();
  readonly #slots = new Fifo<ConsumerSlot>();
  readonly #attached = new Set<ConsumerSlot>();
  readonly #deadlines = new DeadlineWheel<Delivery>((expired) => this.#failAll(expired));
  readonly #backoffs = new DeadlineWheel<Delivery | OrderedKey>((due) => this.#endBackoff(due));
  #settled: number[] = [];
  #pumpIsDue = false;

  constructor(options: {
    uid: number;
    firstSequence: number;
    resource: SubscriptionResource;
    log: SettlementLog | undefined;
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

  get unsettledCount(): number {
    return this.#open.size;
  }

  get outstandingCount(): number {
    return this.#outstanding.size;
  }

  /** The oldest sequence that is not settled. */
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
      const key = this.#orderedKey(message.orderingKey);
      const delivery = new Delivery(message, key);
      this.#open.set(message.sequence, delivery);
      if (key === undefined) this.#ready.push(delivery);
      else {
        key.push(delivery);
        this.#queueKey(key);
      }
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
        this.#takeBack(delivery);
        this.#settle(delivery);
      }
    }
    this.#flushSettled();
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

  /** Settles what is older than the subscription's retention. */
  expire(): void {
    const { messageRetentionDuration } = this.resource;
    if (messageRetentionDuration === null) return;
    const before = Date.now() - durationMs(messageRetentionDuration);
    for (const delivery of this.#open.values()) {
      if (delivery.message.publishTimeMs >= before) break;
      if (delivery.ackId !== "") this.#takeBack(delivery);
      this.#backoffs.clear(delivery);
      this.#settle(delivery);
    }
    this.#flushSettled();
  }

  /** The messages that are not settled, in publish order. */
  *unsettled(): Iterable<StoredMessage> {
    for (const { message } of this.#open.values()) yield message;
  }

  /** Forgets who has what and starts over with exactly these messages (Seek, DetachSubscription). */
  reset(messages: Iterable<StoredMessage>, nextSequence: number): void {
    for (const delivery of this.#outstanding.values()) this.#takeBack(delivery);
    this.#deadlines.clearAll();
    this.#backoffs.clearAll();
    for (const queue of [this.#ready, this.#readyKeys]) queue.clear();
    for (const slot of this.#attached) slot.keys.clear();
    this.#keys.clear();
    this.#open.clear();
    this.enqueue(messages);
    this.#log?.rewrite({ upTo: nextSequence, unsettled: this.#open.keys() });
  }

  /** Shortens the settlement log when it has grown enough. */
  compact(nextSequence: number): void {
    if (this.#log?.isDueForCompaction) {
      this.#log.rewrite({ upTo: nextSequence, unsettled: this.#open.keys() });
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

  #orderedKey(name: string): OrderedKey | undefined {
    if (name === "" || !this.resource.enableMessageOrdering) return undefined;
    let key = this.#keys.get(name);
    if (key === undefined) {
      key = new OrderedKey(name);
      this.#keys.set(name, key);
    }
    return key;
  }

  /** Puts the key in line where the consumer that may have it looks. */
  #queueKey(key: OrderedKey): void {
    if (key.isWaiting || !key.hasNext) return;
    const queue = key.owner?.keys ?? this.#readyKeys;
    if (key.queuedIn === queue) return;
    key.queuedIn = queue;
    queue.push(key);
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
    const handOut = (delivery: Delivery): void => {
      batch.push(this.#handOut(delivery, slot));
      bytes += delivery.message.bytes.length;
    };
    for (const queue of [slot.keys, this.#readyKeys]) {
      while (hasRoom() && queue.size > 0) {
        const key = queue.shift() as OrderedKey;
        if (key.queuedIn !== queue) continue;
        key.queuedIn = undefined;
        while (hasRoom() && key.hasNext) handOut(key.takeNext());
        this.#queueKey(key);
      }
    }
    while (hasRoom() && this.#ready.size > 0) {
      const delivery = this.#ready.shift() as Delivery;
      if (!delivery.isAcked) handOut(delivery);
    }
    return batch;
  }

  #handOut(delivery: Delivery, slot: ConsumerSlot): ReceivedMessage {
    const { message, key } = delivery;
    delivery.ackId = `${RUN}-${this.uid}-${++ackIdsGiven}`;
    delivery.slot = slot;
    slot.outstandingMessages++;
    slot.outstandingBytes += message.bytes.length;
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
  #takeBack(delivery: Delivery): void {
    const { slot, key } = delivery;
    this.#outstanding.delete(delivery.ackId);
    this.#deadlines.clear(delivery);
    delivery.ackId = "";
    delivery.slot = undefined;
    if (slot !== undefined) {
      slot.outstandingMessages--;
      slot.outstandingBytes -= delivery.message.bytes.length;
    }
    if (key !== undefined && --key.outstanding === 0) key.owner = undefined;
  }

  #settle(delivery: Delivery): void {
    const { key } = delivery;
    delivery.isAcked = true;
    for (const settled of key === undefined ? [delivery] : key.ack(delivery)) {
      this.#open.delete(settled.message.sequence);
      this.#settled.push(settled.message.sequence);
    }
    if (key === undefined) return;
    if (key.isEmpty) this.#keys.delete(key.name);
    else this.#queueKey(key);
  }

  #flushSettled(): void {
    if (this.#settled.length === 0) return;
    this.#log?.append(this.#settled);
    this.#settled = [];
  }

  #failAll(deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) {
      // An earlier failure of the same key may have taken this one back already.
      if (delivery.ackId !== "") this.#fail(delivery);
    }
    this.#flushSettled();
    this.#schedulePump();
  }

  #fail(delivery: Delivery): void {
    this.#takeBack(delivery);
    delivery.failures++;
    const policy = this.resource.deadLetterPolicy;
    const isLast = policy !== null && delivery.failures >= policy.maxDeliveryAttempts;
    if (isLast && this.#deadLetter(this, delivery)) {
      this.#settle(delivery);
      return;
    }
    const { key } = delivery;
    for (const later of key?.rewind(delivery) ?? []) {
      if (later.ackId !== "") this.#takeBack(later);
    }
    const delayMs = this.#backoffMs(delivery.failures);
    if (delayMs > 0) {
      if (key !== undefined) key.isWaiting = true;
      this.#backoffs.set(key ?? delivery, Date.now() + delayMs);
    } else if (key !== undefined) this.#queueKey(key);
    else this.#ready.push(delivery);
  }

  /** Doubles from the minimum to the maximum of the retry policy; 0 without one. */
  #backoffMs(failures: number): number {
    const { retryPolicy } = this.resource;
    if (retryPolicy === null) return 0;
    const { minMs, maxMs } = backoffBounds(retryPolicy);
    return Math.min(maxMs, minMs * 2 ** (failures - 1));
  }

  #endBackoff(due: readonly (Delivery | OrderedKey)[]): void {
    for (const item of due) {
      if (item instanceof Delivery) this.#ready.push(item);
      else {
        item.isWaiting = false;
        this.#queueKey(item);
      }
    }
    this.#schedulePump();
  }
}
