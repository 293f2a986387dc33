import type { OpenAPIHono } from "@hono/zod-openapi";
import type { ApiEnv } from "../api-env.ts";
import { addFeedList } from "./feed-list.ts";
import { addFeedPage } from "./feed-page.ts";
import type { FeedParts } from "./feed-parts.ts";
import { addFeedStream } from "./feed-stream-route.ts";

/** `/v1/feeds`: what the journal holds, in pages and as a stream. */
export function addFeedRoutes(app: OpenAPIHono<ApiEnv>, parts: FeedParts): void {
  addFeedList(app, parts);
  addFeedPage(app, parts);
  addFeedStream(app, parts);
}
