import { Metadata, status } from "@grpc/grpc-js";

/**
 * An error that reaches the client as a gRPC status. Anything else that a handler throws is a
 * defect of this server and is reported as INTERNAL.
 */
export class GrpcError extends Error {
  override readonly name = "GrpcError";
  readonly code: status;
  readonly details: string;
  readonly metadata: Metadata;

  constructor(
    code: status,
    details: string,
    options: { cause?: unknown; metadata?: Metadata } = {},
  ) {
    super(details, { cause: options.cause });
    this.code = code;
    this.details = details;
    this.metadata = options.metadata ?? new Metadata();
  }
}

export const invalidArgument = (details: string): GrpcError =>
  new GrpcError(status.INVALID_ARGUMENT, details);

export const notFound = (resource: string): GrpcError =>
  new GrpcError(status.NOT_FOUND, `Resource not found (resource=${resource}).`);

export const alreadyExists = (resource: string): GrpcError =>
  new GrpcError(
    status.ALREADY_EXISTS,
    `Resource already exists in the project (resource=${resource}).`,
  );

export const failedPrecondition = (details: string): GrpcError =>
  new GrpcError(status.FAILED_PRECONDITION, details);

export const unimplemented = (what: string): GrpcError =>
  new GrpcError(status.UNIMPLEMENTED, `${what} is not implemented by the local Pub/Sub server.`);

/** The status that a handler's exception is reported with. */
export function toGrpcError(error: unknown): GrpcError {
  if (error instanceof GrpcError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new GrpcError(status.INTERNAL, `Local Pub/Sub server failed: ${reason}`, { cause: error });
}
