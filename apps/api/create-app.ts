import { Hono } from "hono";
import { routePath } from "hono/route";
import type pg from "pg";
import type { EventLog } from "../../config/event-log.ts";
import type { AccessSettings } from "./access/access-settings.ts";
import { checkAccess } from "./access/check-access.ts";
import { isLoopback } from "./access/client-address.ts";
import { KeyRing } from "./access/key-ring.ts";
import { openToOrigins } from "./access/open-to-origins.ts";
import { RateLimits } from "./access/rate-limits.ts";
import type { ApiEnv } from "./api-env.ts";
import { docsRoutes } from "./docs/docs-routes.ts";
import type { CaptureHint } from "./feed/capture-hint.ts";
import { FeedHub, type FeedLimits } from "./feed/feed-hub.ts";
import { FeedSource } from "./feed/feed-source.ts";
import { graphqlRoutes } from "./graphql/graphql-routes.ts";
import { ConsistentReads } from "./read/consistent-reads.ts";
import { DatabaseWatch } from "./read/database-watch.ts";
import { FairQueue } from "./read/fair-queue.ts";
import { SharedAnswers } from "./read/shared-answers.ts";
import { restRoutes } from "./rest/rest-routes.ts";
import { answerErrors } from "./serve/answer-errors.ts";
import { ApiMetrics } from "./serve/api-metrics.ts";
import { compressLarge } from "./serve/compress-large.ts";
import { operations } from "./serve/operations.ts";
import { requestContext } from "./serve/request-context.ts";

export type ApiConfig = AccessSettings & {
  /** Where it listens: whether only this machine is served. */
  hostname: string;
  /** So many reads are made at once. */
  connections: number;
  /** Nobody waits longer for an answer, in milliseconds. */
  requestTimeoutMs: number;
} & Pick<FeedLimits, "streams" | "streamsPerClient"> &
  Partial<FeedLimits>;

export type Api = {
  app: Hono<ApiEnv>;
  /** Looks at the database from time to time, until `stop`. */
  watch: DatabaseWatch;
  /** Reads the keys from time to time, until `stop`. */
  keys: KeyRing;
  /** The streams of the feed: until `stop` their keys are looked at from time to time. */
  hub: FeedHub;
};

/** Longest wait in the queue, in milliseconds. */
const QUEUE_MS = 5_000;
/** Sooner than proxies give up, and later than a slow network hiccups. */
const STREAM_TIMES = { heartbeatMs: 15_000, stalledMs: 10_000 };
const WAITING = { waiting: 1_000, waitingPerClient: 500 };
/** So much of what was answered is kept, in characters. */
const ANSWERS_CHARACTERS = 8 * 1_024 * 1_024;

/** Makes the query side: every route, answering from the pool. */
export function createApp({
  pool,
  hint,
  config,
  log,
}: {
  pool: pg.Pool;
  hint: CaptureHint;
  config: ApiConfig;
  log: EventLog;
}): Api {
  const watch = new DatabaseWatch({ pool, log });
  const queue = new FairQueue({ atOnce: config.connections, ...WAITING, longestMs: QUEUE_MS });
  const reads = new ConsistentReads({
    ...{ pool, queue, watch },
    holdMs: Math.min(10_000, config.requestTimeoutMs),
    acceptAfterMs: 30_000,
  });
  const answers = new SharedAnswers(reads, ANSWERS_CHARACTERS);
  const keys = new KeyRing(pool, config.keys);
  const source = new FeedSource({ pool, watch, log });
  const feedLimits = { ...STREAM_TIMES, ...config };
  const hub = new FeedHub({ source, queue, hint, keys, log, limits: feedLimits });
  const metrics = new ApiMetrics({ queue, watch, hub });
  const limits = new RateLimits(config.requestsPerMinute);
  const isLocal = isLoopback(config.hostname);

  const app = new Hono<ApiEnv>();
  app.use(async (c, next) => {
    const startedMs = performance.now();
    await next();
    metrics.answered(routePath(c, -1), c.res.status, performance.now() - startedMs);
  });
  app.use(compressLarge);
  app.use(openToOrigins(config.origins));
  app.use(checkAccess({ ...config, keys, limits, isLocal }));
  app.get("/", (c) => c.json(CONTENTS));
  app.route("/", operations(watch, metrics));
  app.route("/docs", docsRoutes());
  app.use(requestContext({ reads, answers, watch, requestTimeoutMs: config.requestTimeoutMs }));
  app.route("/graphql", graphqlRoutes({ log, reads, hint }));
  app.route("/", restRoutes({ source, watch, queue, hub }));
  answerErrors(app, log);
  return { app, watch, keys, hub };
}

const CONTENTS = {
  graphql: "/graphql",
  rest: "/v1",
  reference: "/docs",
  openapi: "/openapi.json",
  operations: ["/health", "/ready", "/status", "/metrics"],
};
