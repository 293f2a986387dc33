import { setTimeout } from "node:timers/promises";
import type { ChaosWorld } from "./chaos-world.ts";
import { EVENTS_ONLY, PROJECT } from "./settings.ts";

/** A message as it came for the first time. */
export type Arrival = {
  messageId: string;
  orderingKey: string;
  body: string;
  attributes: Record<string, string>;
};

/**
 * A plain subscriber to one topic that trusts nothing: it notes every message that Pub/Sub holds,
 * in the order of first arrival, and knows nothing of the relay but the attribute `event_id`.
 */
export class TopicObserver {
  readonly topic: string;
  readonly arrivals: Arrival[] = [];
  /** Ids of messages that were delivered again with other bytes. */
  readonly changed: string[] = [];
  redelivered = 0;
  readonly #world: ChaosWorld;
  readonly #byMessageId = new Map<string, string>();
  readonly #eventIds = new Set<string>();
  #generation = 0;
  #copies = 0;
  #isOver = false;
  #reading: Promise<void> = Promise.resolve();

  private constructor(world: ChaosWorld, topic: string) {
    this.#world = world;
    this.topic = topic;
  }

  static async start(world: ChaosWorld, topic: string): Promise<TopicObserver> {
    const observer = new TopicObserver(world, topic);
    await world.subscribe(topic, observer.subscription, EVENTS_ONLY);
    observer.#reading = observer.#read();
    return observer;
  }

  get subscription(): string {
    return `${this.topic}.observer-${this.#generation}`;
  }

  /** Messages that tell an event again which another message told before. */
  get copies(): number {
    return this.#copies;
  }

  /** Different events that came. */
  get events(): number {
    return this.#eventIds.size;
  }

  /** After the topic was made again. Everything of the old one must have been read. */
  async subscribeAgain(): Promise<void> {
    this.#generation += 1;
    await this.#world.subscribe(this.topic, this.subscription, EVENTS_ONLY);
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#reading;
  }

  async #read(): Promise<void> {
    const { subscriber } = this.#world;
    while (!this.#isOver) {
      const subscription = `projects/${PROJECT}/subscriptions/${this.subscription}`;
      try {
        const [{ receivedMessages }] = await subscriber.pull(
          { subscription, maxMessages: 500 },
          { retry: null, timeout: 1_000 },
        );
        const received = receivedMessages ?? [];
        for (const { message } of received) if (message) this.#note(message);
        const ackIds = received.flatMap(({ ackId }) => (ackId ? [ackId] : []));
        if (ackIds.length > 0)
          await subscriber.acknowledge({ subscription, ackIds }, { retry: null, timeout: 5_000 });
      } catch {
        await setTimeout(50);
      }
    }
  }

  #note(message: {
    messageId?: string | null;
    orderingKey?: string | null;
    data?: Uint8Array | string | null;
    attributes?: Record<string, string> | null;
  }): void {
    const arrival: Arrival = {
      messageId: message.messageId ?? "",
      orderingKey: message.orderingKey ?? "",
      body: Buffer.from((message.data as Uint8Array) ?? "").toString("utf8"),
      attributes: { ...message.attributes },
    };
    const bytes = JSON.stringify([arrival.orderingKey, arrival.body, arrival.attributes]);
    const before = this.#byMessageId.get(arrival.messageId);
    if (before !== undefined) {
      this.redelivered += 1;
      if (before !== bytes) this.changed.push(arrival.messageId);
      return;
    }
    this.#byMessageId.set(arrival.messageId, bytes);
    this.arrivals.push(arrival);
    const eventId = arrival.attributes.event_id ?? "";
    if (this.#eventIds.has(eventId)) this.#copies += 1;
    this.#eventIds.add(eventId);
  }
}
