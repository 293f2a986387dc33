import { barrierAttributes } from "@escrow-stream/messages";
import { v1 } from "@google-cloud/pubsub";
import { status } from "@grpc/grpc-js";
import type { JournalMessage } from "./progress.ts";
import { codeOf } from "./publish-error.ts";
import {
  clientOptions,
  explain,
  type PubsubConfig,
  refuseOtherRegions,
  TopicUnusable,
} from "./pubsub-endpoint.ts";

type PublisherClient = InstanceType<typeof v1.PublisherClient>;

/** What is published to a new topic before the relay subscribed to it can be read all the same. */
const RETENTION_SECONDS = 3_600;
const CHECK_TIMEOUT_MS = 10_000;
const PUBLISH_PERMISSION = "pubsub.topics.publish";

/**
 * The topics of one project, through the generated client: it sends exactly the request that it is
 * given, once.
 */
export class PubsubTopics {
  readonly #client: PublisherClient;
  readonly #config: PubsubConfig;

  constructor(config: PubsubConfig) {
    this.#config = config;
    this.#client = new v1.PublisherClient(clientOptions(config));
  }

  /**
   * Publishes messages of one ordering key in one request.
   *
   * @param timeoutMs the longest life of the request: the service drops it afterwards
   * @returns when Pub/Sub accepted all of them
   * @throws the client's error, with its gRPC code; then all or none may have been accepted
   */
  async publish(
    topic: string,
    orderingKey: string,
    messages: JournalMessage[],
    timeoutMs: number,
  ): Promise<void> {
    await this.#client.publish(
      {
        topic: this.path(topic),
        messages: messages.map(({ body, attributes }) => ({
          data: Buffer.from(body, "utf8"),
          attributes,
          orderingKey,
        })),
      },
      { retry: null, timeout: timeoutMs },
    );
  }

  /**
   * Publishes a barrier on a key. Whoever reads the key in order and comes to it has seen all that
   * was accepted before it. It has no `event_id`: subscribers that filter on it never see it.
   */
  async publishBarrier(
    topic: string,
    orderingKey: string,
    barrier: string,
    timeoutMs: number,
  ): Promise<void> {
    const attributes = barrierAttributes(barrier);
    await this.publish(topic, orderingKey, [{ sequence: 0, body: "", attributes }], timeoutMs);
  }

  /**
   * Makes sure that a topic exists and may be published to.
   *
   * @param create whether to create it when it is missing
   * @throws TopicUnusable saying what to do, also about a topic of another region; another error
   *   when Pub/Sub does not answer
   */
  async ensure(topic: string, create: boolean): Promise<void> {
    const options = { retry: null, timeout: CHECK_TIMEOUT_MS };
    try {
      const [found] = await this.#client.getTopic({ topic: this.path(topic) }, options);
      const regions = found.messageStoragePolicy?.allowedPersistenceRegions ?? [];
      refuseOtherRegions(this.#config, this.path(topic), regions);
    } catch (error) {
      // A publisher's role need not include reading the topic: then only the next check tells.
      if (codeOf(error) === status.NOT_FOUND) await this.#createOrSay(topic, create);
      else if (codeOf(error) !== status.PERMISSION_DENIED) throw this.#noAnswer(error);
    }
    if (!(await this.#mayPublish(topic)))
      throw new TopicUnusable(
        `These credentials may not publish to topic ${this.path(topic)}: grant them roles/pubsub.publisher on it.`,
      );
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  path(topic: string): string {
    return `projects/${this.#config.projectId}/topics/${topic}`;
  }

  async #createOrSay(topic: string, create: boolean): Promise<void> {
    if (!create)
      throw new TopicUnusable(
        `Topic ${this.path(topic)} does not exist. Create it (gcloud pubsub topics create ${topic} --message-retention-duration ${RETENTION_SECONDS}s --project ${this.#config.projectId}) ` +
          "or set PUBSUB_CREATE=true to have it created.",
      );
    const options = { retry: null, timeout: CHECK_TIMEOUT_MS };
    try {
      await this.#client.createTopic(
        { name: this.path(topic), messageRetentionDuration: { seconds: RETENTION_SECONDS } },
        options,
      );
    } catch (error) {
      if (codeOf(error) === status.ALREADY_EXISTS) return;
      if (codeOf(error) === status.PERMISSION_DENIED)
        throw new TopicUnusable(
          `Topic ${this.path(topic)} does not exist and these credentials may not create it: create it, or grant them roles/pubsub.editor.`,
          { cause: error },
        );
      throw this.#noAnswer(error);
    }
  }

  async #mayPublish(topic: string): Promise<boolean> {
    try {
      const request = { resource: this.path(topic), permissions: [PUBLISH_PERMISSION] };
      const [answer] = await this.#client.testIamPermissions(
        // Typed as the message class, which a plain object serves just as well.
        request as Parameters<PublisherClient["testIamPermissions"]>[0],
        { retry: null, timeout: CHECK_TIMEOUT_MS },
      );
      return answer.permissions?.includes(PUBLISH_PERMISSION) ?? false;
    } catch (error) {
      // An emulator without IAM lets everybody publish.
      if (codeOf(error) === status.UNIMPLEMENTED || this.#config.emulatorHost !== undefined)
        return true;
      throw this.#noAnswer(error);
    }
  }

  #noAnswer(cause: unknown): Error {
    return explain(this.#config, cause);
  }
}
