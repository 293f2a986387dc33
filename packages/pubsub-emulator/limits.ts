/**
 * What the real service enforces. Sources: the Pub/Sub "Quotas and limits" page (resource limits)
 * and the field comments of pubsub.proto. Megabytes are decimal, which is the stricter reading.
 */
export const LIMITS = {
  publishRequestBytes: 10_000_000,
  publishRequestMessages: 1_000,
  messageBytes: 10_000_000,
  orderingKeyBytes: 1_024,
  attributesPerMessage: 100,
  attributeKeyBytes: 256,
  attributeValueBytes: 1_024,
  ackRequestBytes: 524_288,
  filterBytes: 256,
  labelsPerResource: 64,
  ackDeadlineSeconds: { min: 10, max: 600, default: 10 },
  retentionSeconds: { min: 600, max: 31 * 86_400, subscriptionDefault: 7 * 86_400 },
  expirationSeconds: { min: 86_400, default: 31 * 86_400 },
  deliveryAttempts: { min: 5, max: 100, default: 5 },
  backoffSeconds: { max: 600, minimumDefault: 10, maximumDefault: 600 },
} as const;
