import { invalidArgument } from "./grpc-error.ts";
import { LIMITS } from "./limits.ts";
import { type Duration, durationMs, type RetryPolicy } from "./resources.ts";

export type ResourceKind = "topics" | "subscriptions" | "snapshots";

/** Checks `projects/<project>/<kind>/<id>`, by the naming rules in pubsub.proto. */
export function validateName(name: string, kind: ResourceKind): string {
  const [projects, project, collection, id, ...rest] = name.split("/");
  const ok =
    projects === "projects" &&
    project !== undefined &&
    project !== "" &&
    collection === kind &&
    id !== undefined &&
    /^[A-Za-z][A-Za-z0-9\-_.~+%]{2,254}$/.test(id) &&
    !id.startsWith("goog") &&
    rest.length === 0;
  if (!ok) throw invalidArgument(`Invalid [${kind}] name: (name=${name})`);
  return name;
}

export function validateProject(project: string): string {
  if (!/^projects\/[^/]+$/.test(project)) {
    throw invalidArgument(`Invalid [projects] name: (name=${project})`);
  }
  return project;
}

export function validateLabels(labels: Record<string, string>): void {
  if (Object.keys(labels).length > LIMITS.labelsPerResource) {
    throw invalidArgument(`A resource has at most ${LIMITS.labelsPerResource} labels.`);
  }
  for (const [key, value] of Object.entries(labels)) {
    const ok =
      /^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}$/u.test(key) &&
      /^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$/u.test(value);
    if (!ok) throw invalidArgument(`Invalid label (key=${key}, value=${value}).`);
  }
}

/** Returns the deadline to use, in seconds; 0 stands for the default. */
export function validateAckDeadline(seconds: number): number {
  const { min, max, default: byDefault } = LIMITS.ackDeadlineSeconds;
  if (seconds === 0) return byDefault;
  if (seconds < min || seconds > max) {
    throw invalidArgument(`Invalid ack deadline (${seconds} s): it must be ${min} to ${max} s.`);
  }
  return seconds;
}

/** Checks the seconds of a ModifyAckDeadline: 0 (a nack) to 600. */
export function validateModifiedDeadline(seconds: number): void {
  if (seconds < 0 || seconds > LIMITS.ackDeadlineSeconds.max) {
    throw invalidArgument(
      `Invalid ack deadline (${seconds} s): it must be 0 to ${LIMITS.ackDeadlineSeconds.max} s.`,
    );
  }
}

export function validateRetention(retention: Duration): void {
  const seconds = durationMs(retention) / 1000;
  const { min, max } = LIMITS.retentionSeconds;
  if (seconds < min || seconds > max) {
    throw invalidArgument(`Invalid message retention (${seconds} s): ${min} to ${max} s.`);
  }
}

export function validateExpiration(policy: { ttl: Duration | null }): void {
  const { min } = LIMITS.expirationSeconds;
  if (policy.ttl !== null && durationMs(policy.ttl) < min * 1000) {
    throw invalidArgument(`Invalid expiration policy: the least ttl is ${min} s.`);
  }
}

/** The bounds of the back-off in milliseconds, with the service's defaults filled in. */
export function backoffBounds(policy: RetryPolicy): { minMs: number; maxMs: number } {
  const { max, minimumDefault, maximumDefault } = LIMITS.backoffSeconds;
  const minMs = policy.minimumBackoff ? durationMs(policy.minimumBackoff) : minimumDefault * 1000;
  const maxMs = policy.maximumBackoff ? durationMs(policy.maximumBackoff) : maximumDefault * 1000;
  if (minMs < 0 || maxMs > max * 1000 || minMs > maxMs) {
    throw invalidArgument(`Invalid retry policy: 0 s <= minimum <= maximum <= ${max} s.`);
  }
  return { minMs, maxMs };
}

/** Returns the number of attempts to use; 0 stands for the default. */
export function validateDeliveryAttempts(attempts: number): number {
  const { min, max, default: byDefault } = LIMITS.deliveryAttempts;
  if (attempts === 0) return byDefault;
  if (attempts < min || attempts > max) {
    throw invalidArgument(`Invalid maxDeliveryAttempts (${attempts}): ${min} to ${max}.`);
  }
  return attempts;
}
