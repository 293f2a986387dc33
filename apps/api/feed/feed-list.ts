import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { ApiEnv } from "../api-env.ts";
import { describeRoute, jsonAnswer } from "../rest/describe-route.ts";
import { readInput } from "../rest/read-input.ts";
import type { FeedParts } from "./feed-parts.ts";
import type { FeedBounds } from "./feed-row.ts";

const finality = z.enum(["final", "provisional"]);

/** What is said of a publication with every page, too. */
export const feedSchema = z
  .object({
    publication: z.string().openapi({ example: "chain.events.v1" }),
    finality,
    first_offset: z.int().openapi({ description: "The first that is kept." }),
    last_offset: z.int().openapi({ description: "The last that may be read now." }),
  })
  .openapi("Feed");

export function presentFeed(bounds: FeedBounds): z.output<typeof feedSchema> {
  return {
    publication: bounds.topic,
    finality: bounds.finality === "finalized" ? "final" : "provisional",
    first_offset: bounds.first_offset,
    last_offset: bounds.numbered_to,
  };
}

/** `/v1/feeds` */
export function addFeedList(app: OpenAPIHono<ApiEnv>, { source, queue }: FeedParts): void {
  const path = "/v1/feeds";
  const request = { params: z.object({}), query: z.object({}) };
  describeRoute(app, {
    ...{ path, request, tag: "feeds" },
    summary: "Lists the publications, and which offsets of each there are",
    answer: jsonAnswer(z.object({ feeds: z.array(feedSchema) })),
  });
  app.get(path, async (c) => {
    readInput(c, request);
    const leave = await queue.enter(c.get("client"), c.get("signal"));
    try {
      const feeds = await source.publications();
      return c.json({ feeds: feeds.map(presentFeed) }, 200, { "cache-control": "no-cache" });
    } finally {
      leave();
    }
  });
}
