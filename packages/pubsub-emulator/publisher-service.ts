import type { ServiceDefinition, UntypedServiceImplementation } from "@grpc/grpc-js";
import type { Broker } from "./broker.ts";
import { maskedFields } from "./field-mask.ts";
import { alreadyExists, failedPrecondition, invalidArgument, unimplemented } from "./grpc-error.ts";
import { listPage } from "./list-page.ts";
import { MessageView } from "./message-view.ts";
import type { TopicResource } from "./resources.ts";
import { endStreams, type StreamingPull } from "./streaming-pull.ts";
import { unary, unimplementedMethods } from "./unary.ts";
import { validateMessages } from "./validate-message.ts";
import {
  validateLabels,
  validateName,
  validateProject,
  validateRetention,
} from "./validate-resource.ts";

/** A Publish request as it came in. Nothing of it has been checked or accepted yet. */
export interface PublishRequest {
  readonly topic: string;
  readonly messages: readonly MessageView[];
}

interface PublishResponse {
  readonly messageIds: string[];
}

/**
 * Stands around every Publish: may wait, fail, or lose the response of an accepted request. Each
 * call of `accept` publishes the request once and throws what the server would answer (GrpcError).
 */
export type OnPublish = (
  request: PublishRequest,
  accept: () => PublishResponse,
) => Promise<PublishResponse>;

type TopicRequest = TopicResource & Record<string, unknown>;

interface ListRequest {
  pageSize: number;
  pageToken: string;
}

const UNSUPPORTED = ["schemaSettings", "ingestionDataSourceSettings"] as const;

/** google.pubsub.v1.Publisher over a broker. */
export function publisherService(
  broker: Broker,
  definition: ServiceDefinition,
  streams: ReadonlySet<StreamingPull>,
  onPublish?: OnPublish,
): UntypedServiceImplementation {
  function publish(request: PublishRequest): PublishResponse {
    validateName(request.topic, "topics");
    const topic = broker.topic(request.topic);
    validateMessages(request.messages);
    return { messageIds: topic.publish(request.messages) };
  }

  return {
    ...unimplementedMethods(definition),

    CreateTopic: unary((request: TopicRequest) => {
      validateName(request.name, "topics");
      if (broker.topics.has(request.name)) throw alreadyExists(request.name);
      refuseUnsupported(request);
      return topicMessage(broker.createTopic(validatedTopic(request)).resource);
    }),

    GetTopic: unary(({ topic }: { topic: string }) =>
      topicMessage(broker.topic(validateName(topic, "topics")).resource),
    ),

    UpdateTopic: unary(
      (request: { topic: TopicRequest | null; updateMask: { paths: string[] } | null }) => {
        if (request.topic === null) throw invalidArgument("The topic must be set.");
        const topic = broker.topic(validateName(request.topic.name, "topics"));
        const updated = { ...topic.resource };
        for (const field of maskedFields(request.updateMask, [
          "labels",
          "messageRetentionDuration",
        ])) {
          Object.assign(updated, { [field]: request.topic[field] });
        }
        topic.resource = validatedTopic(updated);
        broker.saveMetadata();
        return topicMessage(topic.resource);
      },
    ),

    ListTopics: unary(({ project, ...page }: ListRequest & { project: string }) => {
      validateProject(project);
      const all = [...broker.topics.keys()].filter((name) => name.startsWith(`${project}/`));
      const { names, nextPageToken } = listPage(all, page);
      return {
        topics: names.map((name) => topicMessage(broker.topic(name).resource)),
        nextPageToken,
      };
    }),

    ListTopicSubscriptions: unary(({ topic, ...page }: ListRequest & { topic: string }) => {
      const { subscriptions } = broker.topic(validateName(topic, "topics"));
      const all = [...subscriptions].map(({ resource }) => resource.name);
      const { names, nextPageToken } = listPage(all, page);
      return { subscriptions: names, nextPageToken };
    }),

    DeleteTopic: unary(({ topic }: { topic: string }) => {
      broker.deleteTopic(validateName(topic, "topics"));
      return {};
    }),

    DetachSubscription: unary((request: { subscription: string }) => {
      const name = validateName(request.subscription, "subscriptions");
      broker.detachSubscription(name);
      const error = failedPrecondition(`The subscription is detached (resource=${name}).`);
      endStreams(streams, broker.subscription(name), error);
      return {};
    }),

    Publish: unary(async (encoded: { topic: string; messages: Buffer[] }) => {
      const request: PublishRequest = {
        topic: encoded.topic,
        messages: encoded.messages.map((bytes) => new MessageView(bytes)),
      };
      return onPublish === undefined
        ? publish(request)
        : onPublish(request, () => publish(request));
    }),
  };
}

function refuseUnsupported(request: TopicRequest): void {
  for (const field of UNSUPPORTED) {
    if (request[field] !== null) throw unimplemented(`A topic with ${field}`);
  }
  const transforms = request.messageTransforms as unknown[];
  if (transforms.length > 0) throw unimplemented("A topic with messageTransforms");
}

function validatedTopic(topic: TopicResource): TopicResource {
  validateLabels(topic.labels);
  if (topic.messageRetentionDuration !== null) validateRetention(topic.messageRetentionDuration);
  const { name, labels, kmsKeyName, messageRetentionDuration } = topic;
  return { name, labels, kmsKeyName, messageRetentionDuration };
}

const topicMessage = (resource: TopicResource): object => ({ ...resource, state: "ACTIVE" });
