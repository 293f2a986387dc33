import type { OpenAPIHono } from "@hono/zod-openapi";
import type { ApiEnv } from "../api-env.ts";
import type { DatabaseWatch } from "../read/database-watch.ts";
import type { FairQueue } from "../read/fair-queue.ts";
import type { FeedHub } from "./feed-hub.ts";
import { addFeedList } from "./feed-list.ts";
import { addFeedPage } from "./feed-page.ts";
import type { FeedSource } from "./feed-source.ts";
import { addFeedStream } from "./feed-stream-route.ts";

export type FeedParts = {
  source: FeedSource;
  watch: DatabaseWatch;
  queue: FairQueue;
  hub: FeedHub;
};

/** `/v1/feeds`: what the journal holds, in pages and as a stream. */
export function addFeedRoutes(app: OpenAPIHono<ApiEnv>, parts: FeedParts): void {
  addFeedList(app, parts);
  addFeedPage(app, parts);
  addFeedStream(app, parts);
}
