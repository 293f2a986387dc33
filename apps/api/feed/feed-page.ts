import { createHash } from "node:crypto";
import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { ApiEnv } from "../api-env.ts";
import { describeRoute, jsonAnswer } from "../rest/describe-route.ts";
import { whole } from "../rest/parameters.ts";
import { readInput } from "../rest/read-input.ts";
import { feedSchema, presentFeed } from "./feed-list.ts";
import { feedMessage, feedMessageSchema } from "./feed-message.ts";
import { publicationBehind } from "./feed-offset.ts";
import { offset, publication } from "./feed-parameters.ts";
import type { FeedParts } from "./feed-parts.ts";
import type { FeedBounds, FeedRow } from "./feed-row.ts";

const MAX_LIMIT = 1_000;
/** Characters; compressing less costs more than it saves. */
const SMALL = 1_024;
/** A page of the past says the same for ever, unless an older journal is put back. */
const FOREVER = "private, max-age=3600, immutable";

const path = "/v1/feeds/{publication}";

const request = {
  params: z.object({ publication }),
  query: z.object({
    after: offset
      .default(0)
      .openapi({ description: "The messages behind this offset: `next` of the page before." }),
    limit: whole({ min: 1, max: MAX_LIMIT })
      .default(100)
      .openapi({ description: "So many messages at most; fewer when they are long." }),
  }),
};

/** `/v1/feeds/{publication}` */
export function addFeedPage(app: OpenAPIHono<ApiEnv>, parts: FeedParts): void {
  describeRoute(app, {
    ...{ path, request, tag: "feeds", isOfFeed: true },
    summary: "The messages of a publication, in the order of their offsets",
    description:
      "What Pub/Sub gets, with the same bytes, retractions too, without a gap. A message has its offset from the moment when it is captured: it may be here before Pub/Sub has it, as `accepted` says.",
    answer: jsonAnswer(
      feedSchema.extend({
        messages: z.array(feedMessageSchema),
        next: z.int().openapi({ description: "Put it into `after`." }),
        more: z.boolean().openapi({ description: "Whether there is more to be read right now." }),
      }),
    ),
  });
  app.get("/v1/feeds/:publication", async (c) => {
    const { params, query } = readInput(c, request);
    const signal = c.get("signal");
    const asked = { topic: params.publication, after: query.after, signal };
    const found = await publicationBehind(parts, asked);
    const leave = await parts.queue.enter(c.get("client"), signal);
    try {
      const { rows } = await parts.source.page(found, query);
      return answer(c, { found, ...query, rows });
    } finally {
      leave();
    }
  });
}

type Page = { found: FeedBounds; rows: FeedRow[]; after: number; limit: number };

function answer(c: Context<ApiEnv>, { found, rows, after, limit }: Page): Response {
  const next = rows.at(-1)?.feed_offset ?? after;
  const last = Math.max(found.numbered_to, rows.at(-1)?.feed_offset ?? 0);
  const more = next < last;
  const isPast = more && rows.length === limit && rows.every(({ accepted }) => accepted);
  const text = JSON.stringify({
    ...{ ...presentFeed(found), last_offset: last },
    ...{ messages: rows.map(feedMessage), next, more },
  });
  const etag = `W/"${createHash("sha1").update(text).digest("base64url")}"`;
  const headers = {
    ...{ etag, vary: "accept-encoding, authorization" },
    "cache-control": isPast ? FOREVER : "no-cache",
  };
  if (c.req.header("if-none-match") === etag) return c.body(null, 304, headers);
  c.set("isSmall", text.length < SMALL);
  return c.body(text, 200, { ...headers, "content-type": "application/json" });
}
