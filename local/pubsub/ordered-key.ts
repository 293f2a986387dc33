import type { ConsumerSlot, Delivery } from "./delivery.ts";
import type { Fifo } from "./fifo.ts";

/**
 * The open messages of one ordering key on one subscription, in publish order:
 *
 *     first … (handed out: outstanding or acked) … next … (not handed out) … end
 *
 * Acking moves `first` over the acked prefix; only that settles a message, because a redelivery of
 * an earlier one takes every later one along, acked or not (Pub/Sub docs, "Order messages").
 * A failure moves `next` back to the failed message.
 */
export class OrderedKey {
  readonly name: string;
  /** The only consumer that may be given messages of the key; none while nothing is out. */
  owner: ConsumerSlot | undefined;
  outstanding = 0;
  /** A failed message of the key waits for its back-off. */
  isWaiting = false;
  /** The queue in which the key stands in line; entries in other queues are stale. */
  queuedIn: Fifo<OrderedKey> | undefined;
  #deliveries: (Delivery | undefined)[] = [];
  #offset = 0;
  #first = 0;
  #next = 0;

  constructor(name: string) {
    this.name = name;
  }

  get end(): number {
    return this.#offset + this.#deliveries.length;
  }

  get isEmpty(): boolean {
    return this.#first === this.end;
  }

  get hasNext(): boolean {
    return this.#next < this.end;
  }

  push(delivery: Delivery): void {
    this.#deliveries.push(delivery);
  }

  /** The next message to hand out; call only when there is one. */
  takeNext(): Delivery {
    return this.#at(this.#next++);
  }

  /** Marks a message as done and returns those that are settled by it. */
  ack(delivery: Delivery): Delivery[] {
    delivery.isAcked = true;
    const settled: Delivery[] = [];
    while (!this.isEmpty && this.#at(this.#first).isAcked) {
      settled.push(this.#at(this.#first));
      this.#deliveries[this.#first++ - this.#offset] = undefined;
    }
    this.#next = Math.max(this.#next, this.#first);
    this.#compact();
    return settled;
  }

  /** Goes back to a failed message. Returns the later ones that had been handed out. */
  rewind(failed: Delivery): Delivery[] {
    const later: Delivery[] = [];
    for (let position = failed.position + 1; position < this.#next; position++) {
      const delivery = this.#at(position);
      delivery.isAcked = false;
      later.push(delivery);
    }
    this.#next = Math.min(this.#next, failed.position);
    return later;
  }

  #at(position: number): Delivery {
    return this.#deliveries[position - this.#offset] as Delivery;
  }

  #compact(): void {
    const gone = this.#first - this.#offset;
    if (gone < 1024 || gone * 2 < this.#deliveries.length) return;
    this.#deliveries = this.#deliveries.slice(gone);
    this.#offset = this.#first;
  }
}
