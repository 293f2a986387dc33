import type {
  ServerUnaryCall,
  ServiceDefinition,
  UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { isAckId } from "./ack-id.ts";
import type { Broker } from "./broker.ts";
import { maskedFields } from "./field-mask.ts";
import {
  alreadyExists,
  failedPrecondition,
  invalidArgument,
  notFound,
  unimplemented,
} from "./grpc-error.ts";
import { LIMITS } from "./limits.ts";
import { listPage } from "./list-page.ts";
import { type PullRequest, type PullResponse, pull } from "./pull.ts";
import { durationMs, type Timestamp } from "./resources.ts";
import { staleAckError } from "./stale-ack-error.ts";
import { endStreams, StreamingPull } from "./streaming-pull.ts";
import type { Subscription } from "./subscription.ts";
import {
  requireDeadLetterTopic,
  type SubscriptionRequest,
  subscriptionMessage,
  UPDATABLE_FIELDS,
  validatedSubscription,
} from "./subscription-resource.ts";
import { unary, unimplementedMethods } from "./unary.ts";
import { validateModifiedDeadline, validateName, validateProject } from "./validate-resource.ts";

interface NamedRequest {
  subscription: string;
}

/** google.pubsub.v1.Subscriber over a broker. `streams` holds the StreamingPulls that are open. */
export function subscriberService(
  broker: Broker,
  definition: ServiceDefinition,
  streams: Set<StreamingPull>,
): UntypedServiceImplementation {
  const find = ({ subscription }: NamedRequest): Subscription =>
    broker.subscription(validateName(subscription, "subscriptions"));

  return {
    ...unimplementedMethods(definition),

    CreateSubscription: unary((request: SubscriptionRequest) => {
      validateName(request.name, "subscriptions");
      validateName(request.topic, "topics");
      if (broker.subscriptions.has(request.name)) throw alreadyExists(request.name);
      broker.topic(request.topic);
      const resource = validatedSubscription({ ...request, detached: false });
      requireDeadLetterTopic(resource.deadLetterPolicy, broker);
      return subscriptionMessage(broker.createSubscription(resource).resource, broker);
    }),

    GetSubscription: unary((request: NamedRequest) =>
      subscriptionMessage(find(request).resource, broker),
    ),

    UpdateSubscription: unary(
      (request: {
        subscription: SubscriptionRequest | null;
        updateMask: { paths: string[] } | null;
      }) => {
        if (request.subscription === null) throw invalidArgument("The subscription must be set.");
        const subscription = find({ subscription: request.subscription.name });
        const updated = { ...subscription.resource, pushConfig: null };
        const fields = maskedFields(request.updateMask, UPDATABLE_FIELDS);
        for (const field of fields) {
          Object.assign(updated, { [field]: request.subscription[field] });
        }
        const resource = validatedSubscription(updated);
        if (fields.includes("deadLetterPolicy")) {
          requireDeadLetterTopic(resource.deadLetterPolicy, broker);
        }
        subscription.resource = resource;
        broker.saveMetadata();
        return subscriptionMessage(subscription.resource, broker);
      },
    ),

    ListSubscriptions: unary(
      ({ project, ...page }: { project: string; pageSize: number; pageToken: string }) => {
        validateProject(project);
        const all = [...broker.subscriptions.keys()].filter((name) =>
          name.startsWith(`${project}/`),
        );
        const { names, nextPageToken } = listPage(all, page);
        const subscriptions = names.map((name) =>
          subscriptionMessage(broker.subscription(name).resource, broker),
        );
        return { subscriptions, nextPageToken };
      },
    ),

    DeleteSubscription: unary((request: NamedRequest) => {
      const subscription = find(request);
      broker.deleteSubscription(request.subscription);
      endStreams(streams, subscription, notFound(request.subscription));
      return {};
    }),

    Pull: unary((request: PullRequest, call: ServerUnaryCall<PullRequest, PullResponse>) => {
      const subscription = find(request);
      if (subscription.resource.detached) throw failedPrecondition("The subscription is detached.");
      if (request.maxMessages <= 0) throw invalidArgument("max_messages must be greater than 0.");
      return pull(subscription, request, call);
    }),

    StreamingPull: (stream: ConstructorParameters<typeof StreamingPull>[0]) => {
      streams.add(new StreamingPull(stream, broker, (ended) => streams.delete(ended)));
    },

    Acknowledge: unary((request: NamedRequest & { ackIds: string[] }) => {
      const subscription = find(request);
      validateAckIds(request.ackIds);
      refuseStale(subscription, subscription.acknowledge(request.ackIds));
      return {};
    }),

    ModifyAckDeadline: unary(
      (request: NamedRequest & { ackIds: string[]; ackDeadlineSeconds: number }) => {
        const subscription = find(request);
        validateAckIds(request.ackIds);
        validateModifiedDeadline(request.ackDeadlineSeconds);
        const { ackIds, ackDeadlineSeconds } = request;
        refuseStale(subscription, subscription.modifyAckDeadline(ackIds, ackDeadlineSeconds));
        return {};
      },
    ),

    Seek: unary((request: NamedRequest & { time?: Timestamp; snapshot?: string }) => {
      const subscription = find(request);
      if (request.snapshot) throw unimplemented("Seek to a snapshot");
      if (request.time === undefined) throw invalidArgument("Seek needs a time.");
      const topic = broker.topicOf(subscription);
      if (topic === undefined) throw failedPrecondition("The subscription is detached.");
      topic.seek(subscription, durationMs(request.time));
      return {};
    }),
  };
}

/** Only exactly-once delivery tells a client that its ack came too late. */
function refuseStale({ resource }: Subscription, staleAckIds: readonly string[]): void {
  if (resource.enableExactlyOnceDelivery && staleAckIds.length > 0) {
    throw staleAckError(staleAckIds);
  }
}

function validateAckIds(ackIds: readonly string[]): void {
  if (ackIds.length === 0) throw invalidArgument("No ack ids specified.");
  const malformed = ackIds.find((ackId) => !isAckId(ackId));
  if (malformed !== undefined) throw invalidArgument(`Invalid ack id (ack_id=${malformed})`);
  const bytes = ackIds.reduce((sum, ackId) => sum + ackId.length + 2, 0);
  if (bytes > LIMITS.ackRequestBytes) {
    throw invalidArgument(
      `The request has ${bytes} bytes of ack ids; the limit is ${LIMITS.ackRequestBytes}.`,
    );
  }
}
