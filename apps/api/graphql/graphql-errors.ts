import { GraphQLError } from "graphql";
import type { EventLog } from "../../../config/event-log.ts";
import { problemOfError } from "../read/problem-of-error.ts";

/** An error of the API as GraphQL has them, with its code, and its HTTP status where nothing was answered. */
export function toGraphqlError(error: unknown, log: EventLog): GraphQLError {
  if (error instanceof GraphQLError) return error;
  const { code, message, status, retryAfterSeconds } = problemOfError(error);
  if (code === "ES-UNEXPECTED")
    log.error(
      { event: "api.unexpected", code, stack: (error as Error | undefined)?.stack },
      `A GraphQL request failed: ${(error as Error | undefined)?.message}`,
    );
  const headers =
    retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) };
  return new GraphQLError(message, { extensions: { code, http: { status, headers } } });
}
