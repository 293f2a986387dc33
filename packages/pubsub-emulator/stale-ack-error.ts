import { Metadata, status } from "@grpc/grpc-js";
import { GrpcError } from "./grpc-error.ts";
import { encodeField } from "./message-wire.ts";

const REASON = "PERMANENT_FAILURE_INVALID_ACK_ID";

/**
 * How the service answers an Acknowledge or ModifyAckDeadline on a subscription with exactly-once
 * delivery when ack ids are stale (Pub/Sub docs, "Exactly-once delivery"): the status carries a
 * google.rpc.ErrorInfo that maps each of them to the reason. The other ids were processed.
 */
export function staleAckError(staleAckIds: readonly string[]): GrpcError {
  const details = "Some acknowledgement ids in the request were invalid.";
  const entries = staleAckIds.map((ackId) =>
    encodeField(3, Buffer.concat([text(1, ackId), text(2, REASON)])),
  );
  const errorInfo = Buffer.concat([text(1, REASON), text(2, "pubsub.googleapis.com"), ...entries]);
  const any = Buffer.concat([
    text(1, "type.googleapis.com/google.rpc.ErrorInfo"),
    encodeField(2, errorInfo),
  ]);
  const code = Buffer.from([0x08, status.FAILED_PRECONDITION]);
  const metadata = new Metadata();
  metadata.set(
    "grpc-status-details-bin",
    Buffer.concat([code, text(2, details), encodeField(3, any)]),
  );
  return new GrpcError(status.FAILED_PRECONDITION, details, { metadata });
}

const text = (field: number, value: string): Buffer => encodeField(field, Buffer.from(value));
