import { type ConsumerSlot, Delivery, OrderedKey } from "./delivery.ts";
import { Fifo } from "./fifo.ts";
import type { StoredMessage } from "./message-batch.ts";

/**
 * What can be handed out, in turn: messages without an ordering key one by one, the others by key.
 * A key stands in line once, with its owner while one consumer holds messages of it, else with all.
 */
export class ReadyQueue {
  readonly #unordered = new Fifo<Delivery>();
  readonly #unowned = new Fifo<OrderedKey>();
  readonly #keys = new Map<string, OrderedKey>();

  /** Puts a message in line; `orderingKey` is empty when its order does not matter. */
  add(message: StoredMessage, orderingKey: string): Delivery {
    if (orderingKey === "") {
      const delivery = new Delivery(message);
      this.#unordered.push(delivery);
      return delivery;
    }
    let key = this.#keys.get(orderingKey);
    if (key === undefined) {
      key = new OrderedKey(orderingKey);
      this.#keys.set(orderingKey, key);
    }
    const delivery = new Delivery(message, key);
    key.push(delivery);
    this.requeue(key);
    return delivery;
  }

  /** Takes what `slot` may be given, while it has room. The taker must make it the key's owner. */
  *take(slot: ConsumerSlot, hasRoom: () => boolean): Iterable<Delivery> {
    for (const queue of [slot.keys, this.#unowned]) {
      while (hasRoom() && queue.size > 0) {
        const key = queue.shift() as OrderedKey;
        if (key.queuedIn !== queue) continue;
        key.queuedIn = undefined;
        while (hasRoom() && key.hasNext) yield key.takeNext();
        this.requeue(key);
      }
    }
    while (hasRoom() && this.#unordered.size > 0) {
      const delivery = this.#unordered.shift() as Delivery;
      // It may have passed the retention while it stood in line.
      if (!delivery.isAcked) yield delivery;
    }
  }

  /** Puts a message or a key back in line, at the end, unless it has nothing to hand out now. */
  requeue(item: Delivery | OrderedKey): void {
    if (item instanceof Delivery) {
      this.#unordered.push(item);
      return;
    }
    if (item.isWaiting || !item.hasNext) return;
    const queue = item.owner?.keys ?? this.#unowned;
    if (item.queuedIn === queue) return;
    item.queuedIn = queue;
    queue.push(item);
  }

  /** Takes an acknowledgement; returns the messages that are done now. */
  finish(delivery: Delivery): Delivery[] {
    const { key } = delivery;
    if (key === undefined) {
      delivery.isAcked = true;
      return [delivery];
    }
    const done = key.ack(delivery);
    if (key.isEmpty) this.#keys.delete(key.name);
    else this.requeue(key);
    return done;
  }

  clear(): void {
    this.#unordered.clear();
    this.#unowned.clear();
    this.#keys.clear();
  }
}
