import { v1 } from "@google-cloud/pubsub";
import { credentials } from "@grpc/grpc-js";
import { PROJECT } from "../parts/start-pubsub.ts";

/** What a topic holds, against what it had to hold. */
export type TopicVerdict = {
  /** Events that are not there. */
  lost: number;
  /** Messages that tell an event again. */
  duplicated: number;
  /** Events whose first message came after that of a later event of the same key. */
  reordered: number;
};

type Message = {
  messageId?: string | null;
  orderingKey?: string | null;
  attributes?: Record<string, string> | null;
};

const TIMEOUT = { retry: null, timeout: 20_000 };

/**
 * A subscription of our own on a topic, made before anything is published, that sees whatever Pub/Sub
 * accepted.
 */
export class TopicReader {
  readonly #subscriber: InstanceType<typeof v1.SubscriberClient>;
  readonly #publisher: InstanceType<typeof v1.PublisherClient>;
  readonly #topic: string;
  readonly #subscription: string;

  constructor(host: string, topic: string) {
    const [servicePath, port] = host.split(":") as [string, string];
    const sslCreds = credentials.createInsecure();
    const options = { projectId: PROJECT, servicePath, port: Number(port), sslCreds };
    this.#subscriber = new v1.SubscriberClient(options);
    this.#publisher = new v1.PublisherClient(options);
    this.#topic = `projects/${PROJECT}/topics/${topic}`;
    this.#subscription = `projects/${PROJECT}/subscriptions/${topic}.reader`;
  }

  /** Makes the topic, and the subscription when everything is to be read. */
  async create(isRead: boolean): Promise<void> {
    await this.#publisher.createTopic({ name: this.#topic }, TIMEOUT);
    if (!isRead) return;
    await this.#subscriber.createSubscription(
      {
        name: this.#subscription,
        topic: this.#topic,
        enableMessageOrdering: true,
        ackDeadlineSeconds: 600,
        filter: "attributes:event_id",
      },
      TIMEOUT,
    );
  }

  /** Reads everything. Event n of a key comes before event n + 1 when `eventIds` says so. */
  async judge(eventIds: { event_id: string; n: number; key: string }[]): Promise<TopicVerdict> {
    const open = new Map(eventIds.map(({ event_id, n, key }) => [event_id, { n, key }]));
    const highest = new Map<string, number>();
    const seen = new Set<string>();
    let duplicated = 0;
    let reordered = 0;
    for await (const { messageId, attributes } of this.#read()) {
      if (seen.has(messageId ?? "")) continue;
      seen.add(messageId ?? "");
      const eventId = attributes?.event_id ?? "";
      const event = open.get(eventId);
      if (event === undefined) {
        duplicated += 1;
        continue;
      }
      open.delete(eventId);
      if (event.n < (highest.get(event.key) ?? 0)) reordered += 1;
      else highest.set(event.key, event.n);
    }
    return { lost: open.size, duplicated, reordered };
  }

  async close(): Promise<void> {
    await this.#subscriber.close();
    await this.#publisher.close();
  }

  /** Ends when nothing is left: whoever publishes has stopped. */
  async *#read(): AsyncIterable<Message> {
    for (;;) {
      const request = {
        subscription: this.#subscription,
        maxMessages: 1_000,
        returnImmediately: true,
      };
      const [{ receivedMessages }] = await this.#subscriber.pull(request, TIMEOUT);
      const received = receivedMessages ?? [];
      if (received.length === 0) return;
      for (const { message } of received) if (message) yield message;
      const ackIds = received.flatMap(({ ackId }) => ackId ?? []);
      const { subscription } = request;
      await this.#subscriber.acknowledge({ subscription, ackIds }, TIMEOUT);
    }
  }
}
