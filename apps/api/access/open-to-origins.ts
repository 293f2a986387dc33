import type { MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import { createMiddleware } from "hono/factory";
import type { ApiEnv } from "../api-env.ts";

const READABLE = [
  ...["indexed", "final", "verified"].flatMap((name) => [`x-${name}-block`, `x-${name}-at`]),
  ...["x-standby-lag", "etag", "retry-after"],
  ...["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"],
];

/** Lets pages of these sites ask from a browser (CORS); without any, none. */
export function openToOrigins(origins: readonly string[]): MiddlewareHandler<ApiEnv> {
  if (origins.length === 0) return createMiddleware<ApiEnv>((_c, next) => next());
  return cors({
    origin: (origin) => (origins.includes(origin) ? origin : null),
    allowMethods: ["GET", "HEAD", "POST"],
    allowHeaders: ["authorization", "x-api-key", "content-type", "if-none-match", "last-event-id"],
    exposeHeaders: READABLE,
    maxAge: 600,
  });
}
