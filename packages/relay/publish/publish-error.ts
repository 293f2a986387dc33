import { status } from "@grpc/grpc-js";

/**
 * What a failed publish means for the relay.
 *
 * - `unknown`: Pub/Sub may have accepted it all the same. Only the receipts can tell.
 * - `topic`: refused, because the topic cannot be published to until somebody acts.
 * - `message`: refused, and Pub/Sub will never take this request.
 */
export type PublishFailure = "unknown" | "topic" | "message";

const TOPIC_CODES = new Set([
  status.NOT_FOUND,
  status.PERMISSION_DENIED,
  status.UNAUTHENTICATED,
  status.FAILED_PRECONDITION,
]);
const MESSAGE_CODES = new Set([status.INVALID_ARGUMENT, status.OUT_OF_RANGE]);

/**
 * Classifies an error of the Pub/Sub client by its gRPC code. Only what the service says before it
 * accepts anything is a refusal; every other code, and an error without one, leaves it unknown.
 */
export function classifyPublishError(error: unknown): PublishFailure {
  const code = codeOf(error);
  if (code === undefined) return "unknown";
  if (TOPIC_CODES.has(code)) return "topic";
  return MESSAGE_CODES.has(code) ? "message" : "unknown";
}

/** The gRPC code of an error of the Pub/Sub client; undefined when it is no such error. */
export function codeOf(error: unknown): status | undefined {
  const code = (error as { code?: unknown }).code;
  return typeof code === "number" ? code : undefined;
}

/** The code's name, for logs and metrics. */
export function codeName(error: unknown): string {
  const code = codeOf(error);
  return code === undefined ? "none" : (status[code] ?? String(code));
}
