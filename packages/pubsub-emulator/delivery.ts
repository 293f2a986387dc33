import { Fifo } from "./fifo.ts";
import type { StoredMessage } from "./message-batch.ts";

/** google.pubsub.v1.ReceivedMessage, with the message still encoded. */
export interface ReceivedMessage {
  ackId: string;
  message: Buffer;
  deliveryAttempt: number;
}

/** Who takes messages from a subscription: a StreamingPull stream or one Pull call. */
export interface Consumer {
  /** Flow control: the most it will hold without having acked or nacked. */
  readonly maxMessages: number;
  readonly maxBytes: number;
  /** How long a message handed to it stays its own. */
  readonly ackDeadlineMs: number;
  /** False while the connection takes no more bytes. */
  readonly isWritable: boolean;
  deliver(messages: ReceivedMessage[]): void;
}

/** A consumer as the subscription sees it. It survives the connection while messages are out. */
export class ConsumerSlot {
  readonly consumer: Consumer;
  /** Ordering keys that only this consumer may be given now. */
  readonly keys = new Fifo<OrderedKey>();
  #messages = 0;
  #bytes = 0;

  constructor(consumer: Consumer) {
    this.consumer = consumer;
  }

  get hasRoom(): boolean {
    return (
      this.consumer.isWritable &&
      this.#messages < this.consumer.maxMessages &&
      this.#bytes < this.consumer.maxBytes
    );
  }

  /** Counts a message that was handed to the consumer. */
  take({ bytes }: StoredMessage): void {
    this.#messages++;
    this.#bytes += bytes.length;
  }

  /** Gives the consumer the room of a message back. */
  giveBack({ bytes }: StoredMessage): void {
    this.#messages--;
    this.#bytes -= bytes.length;
  }
}

/** One message on one subscription. */
export class Delivery {
  readonly message: StoredMessage;
  readonly key: OrderedKey | undefined;
  /** Place within the key: 0, 1, 2 … in publish order. */
  readonly position: number;
  /** Nacks and expired deadlines so far. */
  failures = 0;
  /** Empty unless outstanding. */
  ackId = "";
  slot: ConsumerSlot | undefined;
  isAcked = false;

  constructor(message: StoredMessage, key?: OrderedKey) {
    this.message = message;
    this.key = key;
    this.position = key?.end ?? 0;
  }
}

/**
 * The open messages of one ordering key on one subscription, in publish order:
 *
 *     first … (handed out: outstanding or acked) … next … (not handed out) … end
 *
 * Acking moves `first` over the acked prefix; only that finishes a message, because a redelivery of
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

  /** Takes an acknowledgement; returns the messages that are done now. */
  ack(delivery: Delivery): Delivery[] {
    delivery.isAcked = true;
    const done: Delivery[] = [];
    while (!this.isEmpty && this.#at(this.#first).isAcked) {
      done.push(this.#at(this.#first));
      this.#deliveries[this.#first++ - this.#offset] = undefined;
    }
    this.#next = Math.max(this.#next, this.#first);
    this.#compact();
    return done;
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
