/** The parts of google.pubsub.v1 that this server keeps, as the wire decoder gives them. */

export interface Duration {
  seconds: number;
  nanos: number;
}

export interface Timestamp {
  seconds: number;
  nanos: number;
}

export interface TopicResource {
  name: string;
  labels: Record<string, string>;
  kmsKeyName: string;
  messageRetentionDuration: Duration | null;
}

export interface DeadLetterPolicy {
  deadLetterTopic: string;
  maxDeliveryAttempts: number;
}

export interface RetryPolicy {
  minimumBackoff: Duration | null;
  maximumBackoff: Duration | null;
}

export interface SubscriptionResource {
  name: string;
  topic: string;
  ackDeadlineSeconds: number;
  retainAckedMessages: boolean;
  messageRetentionDuration: Duration | null;
  labels: Record<string, string>;
  enableMessageOrdering: boolean;
  expirationPolicy: { ttl: Duration | null } | null;
  filter: string;
  deadLetterPolicy: DeadLetterPolicy | null;
  retryPolicy: RetryPolicy | null;
  detached: boolean;
  enableExactlyOnceDelivery: boolean;
}

/** What the service writes instead of the topic's name once the topic is gone. */
export const DELETED_TOPIC = "_deleted-topic_";

export const durationMs = (duration: Duration | Timestamp): number =>
  duration.seconds * 1000 + duration.nanos / 1e6;
