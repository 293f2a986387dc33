import type { v1 } from "@google-cloud/pubsub";
import { credentials } from "@grpc/grpc-js";

type ClientOptions = NonNullable<ConstructorParameters<typeof v1.PublisherClient>[0]>;

export type PubsubConfig = {
  projectId: string;
  /** `host:port` of an emulator; undefined for Google Cloud. */
  emulatorHost?: string;
  /**
   * The region of Google Cloud that all relays publish in. Pub/Sub keeps the order of a key only of
   * what is published in one region, and what was accepted before a barrier is told by that order.
   */
  region?: string;
};

/**
 * Options for the generated clients. An emulator speaks plain text and knows no credentials. gRPC's
 * own retries are off: when to send again is the relay's decision alone. A region has an endpoint of
 * its own (https://cloud.google.com/pubsub/docs/reference/service_apis_overview#service_endpoints).
 */
export function clientOptions({ projectId, emulatorHost, region }: PubsubConfig): ClientOptions {
  const options = { projectId, "grpc.enable_retries": 0 };
  if (emulatorHost === undefined)
    return region === undefined
      ? options
      : { ...options, servicePath: `${region}-pubsub.googleapis.com` };
  const url = new URL(`http://${emulatorHost}`);
  return {
    ...options,
    servicePath: url.hostname,
    port: Number(url.port || 80),
    sslCreds: credentials.createInsecure(),
  };
}

/** A topic or subscription is missing, or closed to us: needs operator action. */
export class TopicUnusable extends Error {
  override name = "TopicUnusable";
  readonly code = "ES-TOPIC-UNUSABLE";
}

/** @throws TopicUnusable when a topic keeps its messages in other regions only than they go to */
export function refuseOtherRegions(
  { region }: PubsubConfig,
  topicPath: string,
  allowedRegions: readonly string[],
): void {
  if (region === undefined || allowedRegions.length === 0 || allowedRegions.includes(region))
    return;
  throw new TopicUnusable(
    `Topic ${topicPath} keeps its messages in ${allowedRegions.join(", ")} only: set PUBSUB_REGION to that instead of ${region}, or change the topic's message storage policy.`,
  );
}

/** Pub/Sub does not answer: trying again later may help. */
export class PubsubAway extends Error {
  override name = "PubsubAway";
  readonly code = "ES-PUBSUB-UNREACHABLE";

  constructor({ emulatorHost }: PubsubConfig, cause: unknown) {
    super(
      `Pub/Sub at ${emulatorHost ?? "Google Cloud"} did not answer: ${(cause as Error).message}`,
      { cause },
    );
  }
}

const NO_CREDENTIALS = /default credentials/i;

/** An error of the client at the start, as something that an operator can act on. */
export function explain(config: PubsubConfig, error: unknown): Error {
  if (error instanceof TopicUnusable) return error;
  if (NO_CREDENTIALS.test((error as Error).message))
    return new TopicUnusable(
      "There are no Google Cloud credentials: set GOOGLE_APPLICATION_CREDENTIALS to a key file, run `gcloud auth application-default login`, or set PUBSUB_EMULATOR_HOST.",
      { cause: error },
    );
  return new PubsubAway(config, error);
}
