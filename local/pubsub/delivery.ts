import { Fifo } from "./fifo.ts";
import type { StoredMessage } from "./message-batch.ts";
import type { OrderedKey } from "./ordered-key.ts";

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

/** A consumer as the subscription sees it. It outlives the connection while messages are out. */
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
