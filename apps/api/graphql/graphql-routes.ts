import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { EventLog } from "../../../config/event-log.ts";
import type { ApiEnv } from "../api-env.ts";
import type { CaptureHint } from "../feed/capture-hint.ts";
import type { ConsistentReads } from "../read/consistent-reads.ts";
import { explorer } from "./explorer/explorer-routes.ts";
import { createGraphqlServer } from "./graphql-server.ts";
import { QUERY_LIMITS } from "./limits/query-limits.ts";
import { ChangeFeed } from "./subscribe/change-feed.ts";

type Options = { log: EventLog; reads: ConsistentReads; hint: CaptureHint };

/** Subscribers see a change so much later at most. */
const POLL_MS = 500;
const MAX_SUBSCRIBERS = 200;

/** `/graphql`: questions, subscriptions and the explorer. */
export function graphqlRoutes({ log, reads, hint }: Options) {
  const { yoga, known } = createGraphqlServer({ log });
  const changes = new ChangeFeed({
    ...{ log, reads, hint, pollMs: POLL_MS, maxSubscribers: MAX_SUBSCRIBERS },
  });
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
  routes.all(
    "/",
    explorer,
    async (c, next) => {
      const answered = await known.answer(c);
      if (answered === null) return await next();
      if (answered instanceof Response) return answered;
      const { request, result } = answered;
      return await yoga.fetch(request, { c, changes, result });
    },
    limit,
    (c) => yoga.fetch(c.req.raw, { c, changes }),
  );
  return routes;
}
