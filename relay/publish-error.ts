import { status } from "@grpc/grpc-js";

/**
 * What a failed publish means for the relay.
 *
 * - `retry`: this request may be tried again; perhaps Pub/Sub accepted it all the same.
 * - `topic`: nothing goes through on this topic until somebody acts (missing, no permission).
 * - `message`: Pub/Sub will never take this request; trying again is useless.
 */
export type PublishFailure = "retry" | "topic" | "message";

const TOPIC_CODES = new Set([
  status.NOT_FOUND,
  status.PERMISSION_DENIED,
  status.UNAUTHENTICATED,
  status.FAILED_PRECONDITION,
]);
const MESSAGE_CODES = new Set([status.INVALID_ARGUMENT, status.OUT_OF_RANGE]);

/** Classifies an error of the Pub/Sub client by its gRPC code. What is unknown is tried again. */
export function classifyPublishError(error: unknown): PublishFailure {
  const code = (error as { code?: number }).code;
  if (code === undefined) return "retry";
  if (TOPIC_CODES.has(code)) return "topic";
  return MESSAGE_CODES.has(code) ? "message" : "retry";
}

/** The code's name, for logs and metrics. */
export function codeName(error: unknown): string {
  const code = (error as { code?: number }).code;
  return code === undefined ? "none" : (status[code] ?? String(code));
}
