import type { handleUnaryCall, ServerUnaryCall, ServiceDefinition } from "@grpc/grpc-js";
import { toGrpcError, unimplemented } from "./grpc-error.ts";

/** A unary method: takes the request, gives the response or throws (GrpcError for a status). */
export type UnaryMethod<Request, Response> = (
  request: Request,
  call: ServerUnaryCall<Request, Response>,
) => Response | Promise<Response>;

/** Fits a method to grpc-js, turning what it throws into a gRPC status. */
export function unary<Request, Response>(
  method: UnaryMethod<Request, Response>,
): handleUnaryCall<Request, Response> {
  return async (call, callback) => {
    try {
      callback(null, await method(call.request, call));
    } catch (error) {
      callback(toGrpcError(error));
    }
  };
}

/** Handlers that say so for the methods of a service that this server does not have. */
export function unimplementedMethods(
  service: ServiceDefinition,
): Record<string, handleUnaryCall<unknown, unknown>> {
  return Object.fromEntries(
    Object.keys(service).map((name) => [
      name,
      unary(() => {
        throw unimplemented(name);
      }),
    ]),
  );
}
