import { type Message, PubSub, type Subscription } from "@google-cloud/pubsub";
import { waitUntil } from "./wait-until.ts";

/** A message as a subscriber gets it. */
export type Received = {
  orderingKey: string;
  body: string;
  attributes: Record<string, string>;
};

const ALREADY_EXISTS = 6;

/**
 * Google's own client, subscribed in order to some topics, noting every message in its order. A
 * message that Pub/Sub delivers again (as when it did not hear of the ack) is noted once; one that
 * was published again is another message.
 */
export class TopicRecorder {
  readonly #pubsub: PubSub;
  readonly #received = new Map<string, Received[]>();
  readonly #subscriptions: Subscription[] = [];

  private constructor(pubsub: PubSub) {
    this.#pubsub = pubsub;
  }

  /** Creates the topics that are missing: what is published from now on is received. */
  static async start(host: string, projectId: string, topics: string[]): Promise<TopicRecorder> {
    const pubsub = new PubSub({ projectId, apiEndpoint: host, emulatorMode: true });
    const recorder = new TopicRecorder(pubsub);
    for (const topic of topics) await recorder.#subscribe(topic);
    return recorder;
  }

  /** Everything that came from a topic, in the order it came. */
  on(topic: string): Received[] {
    return this.#received.get(topic) ?? [];
  }

  /** Ids of the events that came from a topic, in the order they came. */
  idsOn(topic: string): string[] {
    return this.on(topic).map(({ attributes }) => attributes.event_id ?? "");
  }

  async waitForIds(topic: string, ids: readonly string[], timeoutMs?: number): Promise<void> {
    let missing: string[] = [];
    const what = (): string =>
      `${missing.length} of ${ids.length} events on ${topic}, such as ${missing[0]}`;
    await waitUntil(
      `every event on ${topic}`,
      () => {
        const there = new Set(this.idsOn(topic));
        missing = ids.filter((id) => !there.has(id));
        if (missing.length > 0) throw new Error(`missing: ${what()}`);
        return true;
      },
      timeoutMs,
    );
  }

  async stop(): Promise<void> {
    await Promise.all(this.#subscriptions.map((each) => each.close()));
    await this.#pubsub.close();
  }

  async #subscribe(topic: string): Promise<void> {
    await this.#pubsub.createTopic(topic).catch((error) => {
      if (error.code !== ALREADY_EXISTS) throw error;
    });
    const [subscription] = await this.#pubsub.topic(topic).createSubscription(`${topic}.recorder`, {
      enableMessageOrdering: true,
      // Events only: a relay may also put marks of its own on a topic.
      filter: "attributes:event_id",
    });
    const received: Received[] = [];
    const messageIds = new Set<string>();
    this.#received.set(topic, received);
    subscription.on("message", (message: Message) => {
      const { id, attributes, data, orderingKey = "" } = message;
      if (!messageIds.has(id))
        received.push({ orderingKey, body: data.toString("utf8"), attributes: { ...attributes } });
      messageIds.add(id);
      message.ack();
    });
    // The client reconnects by itself; what does not come is missed by the test.
    subscription.on("error", () => undefined);
    this.#subscriptions.push(subscription);
  }
}
