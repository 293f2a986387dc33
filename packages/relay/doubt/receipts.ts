import { BARRIER_ATTRIBUTE } from "@escrow-stream/messages";
import { type protos, v1 } from "@google-cloud/pubsub";
import { status } from "@grpc/grpc-js";
import { codeOf } from "../publish/publish-error.ts";
import { clientOptions, type PubsubConfig, TopicUnusable } from "../publish/pubsub-endpoint.ts";

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
  attributes: Record<string, string>;
  data: Uint8Array;
};

/** What a receipts subscription is, after it was made sure of. */
export type ReceiptsState = {
  /** It was made just now: it knows nothing of what was published before. */
  isNew: boolean;
  /** For so long it keeps what was not read; older than that, the lack of a receipt proves nothing. */
  keptForMs: number;
  /** Null when it keeps what was read, so that it can be read again; otherwise why it does not. */
  forgetsBecause: unknown;
};

const TIMEOUT_MS = 10_000;
/** The shortest there is: what a relay had pulled when it was killed, the next one waits for. */
const ACK_DEADLINE_SECONDS = 10;
const MAX_PULL = 1_000;
const NEVER_EXPIRES = {};

/**
 * The relay's own subscription on a topic, from which it reads back what was really accepted. It is
 * ordered, so that a barrier comes after everything that was accepted before it on its key. While
 * nothing is in doubt it is not read but purged. What was read or purged it keeps for a while, for
 * a journal that was restored from a backup.
 */
export class Receipts {
  readonly #client: SubscriberClient;
  readonly #projectId: string;
  readonly #retentionSeconds: number;
  readonly #idOf: (topic: string) => string;
  readonly #made = new Set<string>();

  /**
   * @param retentionMs how long receipts are kept although they were read
   * @param idOf the subscription of a topic to read; the relay's own unless given
   */
  constructor(
    config: PubsubConfig,
    retentionMs: number,
    idOf: (topic: string) => string = receiptsIdOf,
  ) {
    this.#projectId = config.projectId;
    this.#client = new v1.SubscriberClient(clientOptions(config));
    this.#retentionSeconds = Math.floor(retentionMs / 1000);
    this.#idOf = idOf;
  }

  /**
   * Makes sure that the subscription is there, and is of the topic that is there now: a topic that
   * was deleted and created again is another one, and its old subscriptions hear nothing of it.
   *
   * @returns how long a deleted topic's subscription may have to be read before it is removed, when
   *   that is what is there: a receipt that somebody pulled and never acknowledged comes late
   * @throws TopicUnusable saying what to do; the client's error when Pub/Sub does not answer
   */
  async ensure(topic: string): Promise<ReceiptsState | { leftoverForMs: number }> {
    const name = this.#path(topic);
    const topicPath = `projects/${this.#projectId}/topics/${topic}`;
    const found = await this.#find(name);
    if (found?.topic === topicPath) {
      if (found.problem === null) return { isNew: false, ...(await this.#keep(name, found)) };
      throw new TopicUnusable(
        `Subscription ${name} ${found.problem}, so the relay cannot use it for its receipts: delete it, and the relay makes it again.`,
      );
    }
    if (found !== null) return { leftoverForMs: found.ackDeadlineMs };
    try {
      await this.#client.createSubscription(
        {
          name,
          topic: topicPath,
          enableMessageOrdering: true,
          ackDeadlineSeconds: ACK_DEADLINE_SECONDS,
          expirationPolicy: NEVER_EXPIRES,
          retainAckedMessages: true,
          messageRetentionDuration: { seconds: this.#retentionSeconds },
        },
        { retry: null, timeout: TIMEOUT_MS },
      );
      this.#made.add(topic);
      return { isNew: true, keptForMs: this.#retentionSeconds * 1000, forgetsBecause: null };
    } catch (error) {
      // Somebody else has just made it, who may be told to keep it for less.
      if (codeOf(error) === status.ALREADY_EXISTS) return await this.ensure(topic);
      if (codeOf(error) === status.PERMISSION_DENIED)
        throw new TopicUnusable(
          `These credentials may not create subscription ${name}, which the relay reads its receipts from. ` +
            `Create it (gcloud pubsub subscriptions create ${this.#idOf(topic)} --topic ${topic} --enable-message-ordering --expiration-period never --retain-acked-messages --message-retention-duration ${this.#retentionSeconds}s) ` +
            "and grant them roles/pubsub.subscriber on it.",
          { cause: error },
        );
      throw error;
    }
  }

  /** Deletes the subscription of a topic that is gone, with everything that it still holds. */
  async remove(topic: string): Promise<void> {
    const subscription = this.#path(topic);
    await this.#client.deleteSubscription({ subscription }, { retry: null, timeout: TIMEOUT_MS });
  }

  /** Whether the subscription of a topic was made by this process, and has nothing older. */
  hasMade(topic: string): boolean {
    return this.#made.has(topic);
  }

  /**
   * The next receipts, at most a thousand; none when nothing comes for a while.
   *
   * @param waitMs for how long
   */
  async pull(topic: string, waitMs = TIMEOUT_MS): Promise<Receipt[]> {
    try {
      const [{ receivedMessages }] = await this.#client.pull(
        { subscription: this.#path(topic), maxMessages: MAX_PULL },
        { retry: null, timeout: waitMs },
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

  /** Has receipts that were pulled come again at once, for somebody else. */
  async giveBack(topic: string, receipts: Receipt[]): Promise<void> {
    if (receipts.length === 0) return;
    const ackIds = receipts.map(({ ackId }) => ackId);
    await this.#client.modifyAckDeadline(
      { subscription: this.#path(topic), ackIds, ackDeadlineSeconds: 0 },
      { retry: null, timeout: TIMEOUT_MS },
    );
  }

  /** Forgets every receipt of a message that was published before a time of Pub/Sub's clock. */
  async purge(topic: string, publishedBeforeMs: number): Promise<void> {
    await this.#seek(topic, publishedBeforeMs);
  }

  /** Has every receipt that is still kept come again, from a time of Pub/Sub's clock on. */
  async readAgain(topic: string, publishedFromMs: number): Promise<void> {
    await this.#seek(topic, Math.max(0, publishedFromMs));
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  async #seek(topic: string, timeMs: number): Promise<void> {
    const seconds = Math.floor(timeMs / 1000);
    await this.#client.seek(
      { subscription: this.#path(topic), time: { seconds, nanos: 0 } },
      { retry: null, timeout: TIMEOUT_MS },
    );
  }

  /** Has a subscription that was made by hand, or by an older relay, keep what was read. */
  async #keep(
    name: string,
    { retentionSeconds, keepsRead }: Found,
  ): Promise<Pick<ReceiptsState, "keptForMs" | "forgetsBecause">> {
    const keptForMs = retentionSeconds * 1000;
    if (keepsRead && retentionSeconds >= this.#retentionSeconds)
      return { keptForMs, forgetsBecause: null };
    const request = {
      subscription: {
        name,
        retainAckedMessages: true,
        messageRetentionDuration: { seconds: this.#retentionSeconds },
      },
      updateMask: { paths: ["retain_acked_messages", "message_retention_duration"] },
    };
    try {
      await this.#client.updateSubscription(request, { retry: null, timeout: TIMEOUT_MS });
      // What was dropped before now is not kept again.
      return { keptForMs, forgetsBecause: null };
    } catch (error) {
      return { keptForMs, forgetsBecause: error };
    }
  }

  async #find(subscription: string): Promise<Found | null> {
    try {
      const options = { retry: null, timeout: TIMEOUT_MS };
      const [found] = await this.#client.getSubscription({ subscription }, options);
      return {
        topic: found.topic ?? "",
        problem: problemOf(found),
        ackDeadlineMs: (found.ackDeadlineSeconds ?? 0) * 1000,
        retentionSeconds: Number(found.messageRetentionDuration?.seconds ?? 0),
        keepsRead: found.retainAckedMessages ?? false,
      };
    } catch (error) {
      if (codeOf(error) === status.NOT_FOUND) return null;
      throw error;
    }
  }

  #path(topic: string): string {
    return `projects/${this.#projectId}/subscriptions/${this.#idOf(topic)}`;
  }
}

/** What is known of a subscription that is there. */
type Found = {
  topic: string;
  /** Why it may lack receipts, or give them out of order; null when it does not. */
  problem: string | null;
  ackDeadlineMs: number;
  retentionSeconds: number;
  /** Also what was read. */
  keepsRead: boolean;
};

/** A receipt that does not come is taken for a message that was not accepted. */
function problemOf({
  enableMessageOrdering,
  filter,
  deadLetterPolicy,
  messageTransforms,
}: protos.google.pubsub.v1.ISubscription): string | null {
  if (!enableMessageOrdering) return "is not ordered";
  if (filter) return `has a filter (${filter})`;
  if (deadLetterPolicy?.deadLetterTopic) return "has a dead-letter policy";
  return messageTransforms && messageTransforms.length > 0 ? "transforms messages" : null;
}

/** Id of the receipts subscription of a topic. */
export function receiptsIdOf(topic: string): string {
  return `${topic}.relay-receipts`;
}

type Received = {
  ackId?: string | null;
  message?: {
    orderingKey?: string | null;
    attributes?: Record<string, string> | null;
    publishTime?: { seconds?: unknown; nanos?: number | null } | null;
    data?: Uint8Array | string | null;
  } | null;
};

function toReceipt({ ackId, message }: Received): Receipt {
  const attributes = message?.attributes ?? {};
  const { sequence, [BARRIER_ATTRIBUTE]: barrier } = attributes;
  const data = message?.data ?? new Uint8Array();
  const { seconds, nanos } = message?.publishTime ?? {};
  return {
    ackId: ackId ?? "",
    orderingKey: message?.orderingKey ?? "",
    sequence: sequence !== undefined && /^\d+$/.test(sequence) ? Number(sequence) : null,
    barrier: barrier ?? null,
    publishedAtMs: Number(seconds ?? 0) * 1000 + (nanos ?? 0) / 1e6,
    attributes,
    data: typeof data === "string" ? Buffer.from(data, "base64") : data,
  };
}
