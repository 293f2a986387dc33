import type { Broker } from "./broker.ts";
import { parseFilter } from "./filter.ts";
import { invalidArgument, unimplemented } from "./grpc-error.ts";
import { LIMITS } from "./limits.ts";
import type { DeadLetterPolicy, SubscriptionResource } from "./resources.ts";
import {
  backoffBounds,
  validateAckDeadline,
  validateDeliveryAttempts,
  validateExpiration,
  validateLabels,
  validateName,
  validateRetention,
} from "./validate-resource.ts";

export type SubscriptionRequest = SubscriptionResource & {
  pushConfig: { pushEndpoint: string } | null;
  [field: string]: unknown;
};

/** The fields that UpdateSubscription may change; the others are fixed at creation. */
export const UPDATABLE_FIELDS = [
  "ackDeadlineSeconds",
  "deadLetterPolicy",
  "enableExactlyOnceDelivery",
  "expirationPolicy",
  "labels",
  "messageRetentionDuration",
  "pushConfig",
  "retainAckedMessages",
  "retryPolicy",
] as const;

const UNSUPPORTED = ["bigqueryConfig", "cloudStorageConfig", "bigtableConfig"] as const;

/** Checks a subscription that is to be created or changed, and fills in the service's defaults. */
export function validatedSubscription(request: SubscriptionRequest): SubscriptionResource {
  refuseUnsupported(request);
  validateLabels(request.labels);
  if (request.filter !== "") parseFilter(request.filter);
  const { subscriptionDefault } = LIMITS.retentionSeconds;
  const retention = request.messageRetentionDuration ?? { seconds: subscriptionDefault, nanos: 0 };
  validateRetention(retention);
  const expiration = request.expirationPolicy ?? {
    ttl: { seconds: LIMITS.expirationSeconds.default, nanos: 0 },
  };
  validateExpiration(expiration);
  if (request.retryPolicy !== null) backoffBounds(request.retryPolicy);
  return {
    name: request.name,
    topic: request.topic,
    ackDeadlineSeconds: validateAckDeadline(request.ackDeadlineSeconds),
    retainAckedMessages: request.retainAckedMessages,
    messageRetentionDuration: retention,
    labels: request.labels,
    enableMessageOrdering: request.enableMessageOrdering,
    expirationPolicy: expiration,
    filter: request.filter,
    deadLetterPolicy: validatedDeadLetterPolicy(request),
    retryPolicy: request.retryPolicy,
    detached: request.detached,
    enableExactlyOnceDelivery: request.enableExactlyOnceDelivery,
  };
}

function validatedDeadLetterPolicy({
  deadLetterPolicy,
}: SubscriptionRequest): DeadLetterPolicy | null {
  if (deadLetterPolicy === null) return null;
  const { deadLetterTopic, maxDeliveryAttempts } = deadLetterPolicy;
  return {
    deadLetterTopic: validateName(deadLetterTopic, "topics"),
    maxDeliveryAttempts: validateDeliveryAttempts(maxDeliveryAttempts),
  };
}

function refuseUnsupported(request: SubscriptionRequest): void {
  if (request.pushConfig?.pushEndpoint) throw unimplemented("A push subscription");
  for (const field of UNSUPPORTED) {
    if (request[field]) throw unimplemented(`A subscription with ${field}`);
  }
  if ((request.messageTransforms as unknown[] | undefined)?.length) {
    throw unimplemented("A subscription with messageTransforms");
  }
  if (request.ackDeadlineSeconds < 0) throw invalidArgument("The ack deadline is negative.");
}

/** Throws NOT_FOUND when a dead-letter policy names a topic that does not exist. */
export function requireDeadLetterTopic(policy: DeadLetterPolicy | null, broker: Broker): void {
  if (policy !== null) broker.topic(policy.deadLetterTopic);
}

/** The resource as the service returns it. */
export function subscriptionMessage(resource: SubscriptionResource, broker: Broker): object {
  const topic = broker.topics.get(resource.topic);
  return {
    ...resource,
    pushConfig: {},
    state: "ACTIVE",
    topicMessageRetentionDuration: topic?.resource.messageRetentionDuration ?? null,
  };
}
