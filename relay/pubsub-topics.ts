import { v1 } from "@google-cloud/pubsub";
import { credentials, status } from "@grpc/grpc-js";
import type { Batch } from "./progress.ts";
import { codeName } from "./publish-error.ts";

type PublisherClient = InstanceType<typeof v1.PublisherClient>;

export type PubsubConfig = {
  projectId: string;
  /** `host:port` of an emulator; undefined for Google Cloud. */
  emulatorHost?: string;
  /** Longest life of one publish request. */
  publishTimeoutMs: number;
};

/** A topic is missing, or may not be published to: a person has to act. */
export class TopicUnusable extends Error {
  override name = "TopicUnusable";
}

const CHECK_TIMEOUT_MS = 10_000;
const PUBLISH_PERMISSION = "pubsub.topics.publish";

/**
 * The topics of one project, through the generated client: it sends exactly the request that it is
 * given. Its own retries are off; when to send again is the relay's decision.
 */
export class PubsubTopics {
  readonly #client: PublisherClient;
  readonly #config: PubsubConfig;

  constructor(config: PubsubConfig) {
    this.#config = config;
    this.#client = new v1.PublisherClient({
      projectId: config.projectId,
      ...endpoint(config.emulatorHost),
    });
  }

  /**
   * Publishes one batch in one request.
   *
   * @returns when Pub/Sub accepted all of it
   * @throws the client's error, with its gRPC code; then all or nothing may have been accepted
   */
  async publish(topic: string, { orderingKey, messages }: Batch): Promise<void> {
    await this.#client.publish(
      {
        topic: this.path(topic),
        messages: messages.map(({ body, attributes }) => ({
          data: Buffer.from(body, "utf8"),
          attributes,
          orderingKey,
        })),
      },
      { retry: null, timeout: this.#config.publishTimeoutMs },
    );
  }

  /**
   * Makes sure that a topic exists and may be published to.
   *
   * @param create whether to create it when it is missing
   * @throws TopicUnusable saying what to do; the client's error when Pub/Sub does not answer
   */
  async ensure(topic: string, create: boolean): Promise<void> {
    const options = { retry: null, timeout: CHECK_TIMEOUT_MS };
    try {
      await this.#client.getTopic({ topic: this.path(topic) }, options);
    } catch (error) {
      // A publisher's role need not include reading the topic: then only the next check tells.
      if (isCode(error, status.NOT_FOUND)) await this.#createOrSay(topic, create);
      else if (!isCode(error, status.PERMISSION_DENIED)) throw this.#unreachable(error);
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
        `Topic ${this.path(topic)} does not exist. Create it (gcloud pubsub topics create ${topic} --project ${this.#config.projectId}) ` +
          "or set PUBSUB_CREATE=true to have it created.",
      );
    try {
      await this.#client.createTopic(
        { name: this.path(topic) },
        { retry: null, timeout: CHECK_TIMEOUT_MS },
      );
    } catch (error) {
      if (isCode(error, status.ALREADY_EXISTS)) return;
      if (isCode(error, status.PERMISSION_DENIED))
        throw new TopicUnusable(
          `Topic ${this.path(topic)} does not exist and these credentials may not create it: create it, or grant them roles/pubsub.editor.`,
          { cause: error },
        );
      throw this.#unreachable(error);
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
      if (isCode(error, status.UNIMPLEMENTED) || this.#config.emulatorHost !== undefined)
        return true;
      throw this.#unreachable(error);
    }
  }

  #unreachable(cause: unknown): Error {
    const where = this.#config.emulatorHost ?? "Google Cloud";
    return new Error(
      `Pub/Sub at ${where} did not answer (${codeName(cause)}): ${(cause as Error).message}`,
      { cause },
    );
  }
}

/** Client options that lead to an emulator, which speaks plain text and knows no credentials. */
export function endpoint(emulatorHost: string | undefined): Record<string, unknown> {
  if (emulatorHost === undefined) return {};
  const url = new URL(`http://${emulatorHost}`);
  return {
    servicePath: url.hostname,
    port: Number(url.port || 80),
    sslCreds: credentials.createInsecure(),
  };
}

function isCode(error: unknown, code: status): boolean {
  return (error as { code?: number }).code === code;
}
