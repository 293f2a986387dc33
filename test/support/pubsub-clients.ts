import { type Message, PubSub, type protos, type Subscription, v1 } from "@google-cloud/pubsub";
import { credentials } from "@grpc/grpc-js";
import { vi } from "vitest";

type ReceivedMessage = protos.google.pubsub.v1.IReceivedMessage;

/** No retries: what the server answers first is what the test sees. */
export const ONCE = { retry: null, timeout: 10_000 };

/** The clients a user would make, and names that no other test uses. */
export class PubsubClients {
  readonly pubsub: PubSub;
  readonly publisher: v1.PublisherClient;
  readonly subscriber: v1.SubscriberClient;
  static #names = 0;

  constructor(host: string) {
    const [address = "", port] = host.split(":");
    const options = {
      servicePath: address,
      port: Number(port),
      sslCreds: credentials.createInsecure(),
    };
    this.pubsub = new PubSub({ projectId: "p1", apiEndpoint: host, emulatorMode: true });
    this.publisher = new v1.PublisherClient(options);
    this.subscriber = new v1.SubscriberClient(options);
  }

  async createTopic(
    settings: protos.google.pubsub.v1.ITopic = {},
    id = `topic-${++PubsubClients.#names}`,
  ): Promise<string> {
    const name = `projects/p1/topics/${id}`;
    await this.publisher.createTopic({ ...settings, name }, ONCE);
    return name;
  }

  async createSubscription(
    topic: string,
    settings: protos.google.pubsub.v1.ISubscription = {},
    id = `sub-${++PubsubClients.#names}`,
  ): Promise<string> {
    const name = `projects/p1/subscriptions/${id}`;
    await this.subscriber.createSubscription({ ...settings, name, topic }, ONCE);
    return name;
  }

  /** Publishes each text as one message of one request; returns the message ids. */
  async publish(topic: string, texts: readonly string[], orderingKey = ""): Promise<string[]> {
    const messages = texts.map((text) => ({ data: Buffer.from(text), orderingKey }));
    const [response] = await this.publisher.publish({ topic, messages }, ONCE);
    return response.messageIds ?? [];
  }

  /** Pulls until `count` messages are in, in the order of arrival. */
  async pull(subscription: string, count: number): Promise<ReceivedMessage[]> {
    const received: ReceivedMessage[] = [];
    await vi.waitFor(
      async () => {
        const maxMessages = count - received.length;
        const [response] = await this.subscriber.pull({ subscription, maxMessages }, ONCE);
        received.push(...(response.receivedMessages ?? []));
        if (received.length < count) throw new Error(`${received.length} of ${count} messages`);
      },
      { timeout: 15_000, interval: 1 },
    );
    return received;
  }

  /** What is deliverable right now. */
  async pullNow(subscription: string): Promise<string[]> {
    const request = { subscription, maxMessages: 1000, returnImmediately: true };
    const [response] = await this.subscriber.pull(request, ONCE);
    return texts(response.receivedMessages ?? []);
  }

  acknowledge(subscription: string, received: readonly ReceivedMessage[]): Promise<unknown> {
    return this.subscriber.acknowledge({ subscription, ackIds: ackIds(received) }, ONCE);
  }

  nack(subscription: string, received: readonly ReceivedMessage[]): Promise<unknown> {
    return this.modifyAckDeadline(subscription, received, 0);
  }

  modifyAckDeadline(
    subscription: string,
    received: readonly ReceivedMessage[],
    ackDeadlineSeconds: number,
  ): Promise<unknown> {
    const request = { subscription, ackIds: ackIds(received), ackDeadlineSeconds };
    return this.subscriber.modifyAckDeadline(request, ONCE);
  }

  async close(): Promise<void> {
    await Promise.all([this.pubsub.close(), this.publisher.close(), this.subscriber.close()]);
  }
}

export const texts = (received: readonly ReceivedMessage[]): string[] =>
  received.map(({ message }) => Buffer.from(message?.data as Uint8Array).toString());

const ackIds = (received: readonly ReceivedMessage[]): string[] =>
  received.map(({ ackId }) => ackId as string);

/** Listens with the high-level client until `isDone` says so of all messages so far. */
export async function receive(
  subscription: Subscription,
  onMessage: (message: Message) => void,
  isDone: () => boolean,
): Promise<void> {
  const received = new Promise<void>((resolve, reject) => {
    subscription.on("error", reject);
    subscription.on("message", (message) => {
      try {
        onMessage(message);
        if (isDone()) resolve();
      } catch (error) {
        reject(error);
      }
    });
  });
  await received.finally(() => subscription.close());
}
