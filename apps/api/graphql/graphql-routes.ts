import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { EventLog } from "../../../config/event-log.ts";
import type { ApiEnv } from "../api-env.ts";
import { createGraphqlServer } from "./graphql-server.ts";
import { QUERY_LIMITS } from "./limits/query-limits.ts";

/** `/graphql`: questions, subscriptions and the explorer. */
export function graphqlRoutes({ log }: { log: EventLog }): Hono<ApiEnv> {
  const server = createGraphqlServer({ log });
  const routes = new Hono<ApiEnv>();
  const limit = bodyLimit({
    maxSize: QUERY_LIMITS.bodyBytes,
    onError: (c) =>
      c.json(
        {
          errors: [
            {
              message: `the question has more than ${QUERY_LIMITS.bodyBytes} bytes`,
              extensions: { code: "ES-REQUEST-BAD" },
            },
          ],
        },
        413,
      ),
  });
  routes.all("/", limit, (c) => server.fetch(c.req.raw, { c }));
  return routes;
}
