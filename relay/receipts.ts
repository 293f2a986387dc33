import { v1 } from "@google-cloud/pubsub";
import { status } from "@grpc/grpc-js";
import { codeOf } from "./publish-error.ts";
import { clientOptions, type PubsubConfig, TopicUnusable } from "./pubsub-endpoint.ts";
import { BARRIER_ATTRIBUTE } from "./pubsub-topics.ts";

type SubscriberClient = InstanceType<typeof v1.SubscriberClient>;

/** What the topic itself says that it holds. */
export type Receipt = {
  ackId: string;
  orderingKey: string;
  /** Null for a barrier, and for what is not the relay's. */
  sequence: number | null;
  barrier: string | null;
  /** By Pub/Sub's clock, in milliseconds since 1970. */
  publishedAtMs: number;
};

const TIMEOUT_MS = 10_000;
/** The shortest there is: what a relay had pulled when it was killed, the next one waits for. */
const ACK_DEADLINE_SECONDS = 10;
const MAX_PULL = 1_000;
const NEVER_EXPIRES = {};

/**
 * The relay's own subscription on a topic, from which it reads back what was really accepted. It is
 * ordered, so that a barrier comes after everything that was accepted before it on its key. While
 * nothing is in doubt it is not read but purged.
 */
export class Receipts {
  readonly #client: SubscriberClient;
  readonly #projectId: string;

  constructor(config: PubsubConfig) {
    this.#projectId = config.projectId;
    this.#client = new v1.SubscriberClient(clientOptions(config));
  }

  /**
   * Makes sure that the subscription is there, and is of the topic that is there now: a topic that
   * was deleted and created again is another one, and its old subscriptions hear nothing of it.
   *
   * @param rescue called before a subscription of a deleted topic goes, to read what it still holds
   * @throws TopicUnusable saying what to do; the client's error when Pub/Sub does not answer
   */
  async ensure(topic: string, rescue: () => Promise<void>): Promise<void> {
    const name = this.#path(topic);
    const topicPath = `projects/${this.#projectId}/topics/${topic}`;
    const found = await this.#find(name);
    if (found?.topic === topicPath) {
      if (found.enableMessageOrdering) return;
      throw new TopicUnusable(
        `Subscription ${name} is not ordered, so the relay cannot use it for its receipts: delete it, and the relay makes it anew.`,
      );
    }
    const options = { retry: null, timeout: TIMEOUT_MS };
    try {
      if (found !== null) {
        await rescue();
        await this.#client.deleteSubscription({ subscription: name }, options);
      }
      await this.#client.createSubscription(
        {
          name,
          topic: topicPath,
          enableMessageOrdering: true,
          ackDeadlineSeconds: ACK_DEADLINE_SECONDS,
          expirationPolicy: NEVER_EXPIRES,
        },
        options,
      );
    } catch (error) {
      if (codeOf(error) === status.ALREADY_EXISTS) return;
      if (codeOf(error) === status.PERMISSION_DENIED)
        throw new TopicUnusable(
          `These credentials may not create subscription ${name}, which the relay reads its receipts from. ` +
            `Create it (gcloud pubsub subscriptions create ${idOf(topic)} --topic ${topic} --enable-message-ordering --expiration-period never) ` +
            "and grant them roles/pubsub.subscriber on it.",
          { cause: error },
        );
      throw error;
    }
  }

  /** The next receipts, at most a thousand; none when nothing comes for a while. */
  async pull(topic: string): Promise<Receipt[]> {
    try {
      const [{ receivedMessages }] = await this.#client.pull(
        { subscription: this.#path(topic), maxMessages: MAX_PULL },
        { retry: null, timeout: TIMEOUT_MS },
      );
      return (receivedMessages ?? []).map(toReceipt);
    } catch (error) {
      if (codeOf(error) === status.DEADLINE_EXCEEDED) return [];
      throw error;
    }
  }

  /** Forgets receipts that are written down. */
  async acknowledge(topic: string, receipts: Receipt[]): Promise<void> {
    if (receipts.length === 0) return;
    await this.#client.acknowledge(
      { subscription: this.#path(topic), ackIds: receipts.map(({ ackId }) => ackId) },
      { retry: null, timeout: TIMEOUT_MS },
    );
  }

  /** Forgets every receipt of a message that was published before a time of Pub/Sub's clock. */
  async purge(topic: string, publishedBeforeMs: number): Promise<void> {
    const seconds = Math.floor(publishedBeforeMs / 1000);
    await this.#client.seek(
      { subscription: this.#path(topic), time: { seconds, nanos: 0 } },
      { retry: null, timeout: TIMEOUT_MS },
    );
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  async #find(
    subscription: string,
  ): Promise<{ topic: string; enableMessageOrdering: boolean } | null> {
    try {
      const options = { retry: null, timeout: TIMEOUT_MS };
      const [found] = await this.#client.getSubscription({ subscription }, options);
      return {
        topic: found.topic ?? "",
        enableMessageOrdering: found.enableMessageOrdering ?? false,
      };
    } catch (error) {
      if (codeOf(error) === status.NOT_FOUND) return null;
      throw error;
    }
  }

  #path(topic: string): string {
    return `projects/${this.#projectId}/subscriptions/${idOf(topic)}`;
  }
}

/** Id of the receipts subscription of a topic. */
function idOf(topic: string): string {
  return `${topic}.relay-receipts`;
}

type Received = {
  ackId?: string | null;
  message?: {
    orderingKey?: string | null;
    attributes?: Record<string, string> | null;
    publishTime?: { seconds?: unknown; nanos?: number | null } | null;
  } | null;
};

function toReceipt({ ackId, message }: Received): Receipt {
  const { sequence, [BARRIER_ATTRIBUTE]: barrier } = message?.attributes ?? {};
  const { seconds, nanos } = message?.publishTime ?? {};
  return {
    ackId: ackId ?? "",
    orderingKey: message?.orderingKey ?? "",
    sequence: sequence !== undefined && /^\d+$/.test(sequence) ? Number(sequence) : null,
    barrier: barrier ?? null,
    publishedAtMs: Number(seconds ?? 0) * 1000 + (nanos ?? 0) / 1e6,
  };
}
