import { RETRACTION_TYPE } from "@escrow-stream/messages";
import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { ApiEnv } from "../api-env.ts";
import { Problem } from "../problem.ts";
import { describeRoute } from "../rest/describe-route.ts";
import { address, chainId, words } from "../rest/parameters.ts";
import { readInput } from "../rest/read-input.ts";
import type { FeedHub } from "./feed-hub.ts";
import { publicationBehind } from "./feed-offset.ts";
import { offset, publication } from "./feed-parameters.ts";
import type { FeedParts } from "./feed-parts.ts";
import type { FeedStream } from "./feed-stream.ts";

const path = "/v1/feeds/{publication}/stream";
const TYPES = [
  ...(["EscrowCreated", "EscrowDeployed", "Approved", "EscrowReleased"] as const),
  ...(["EscrowRefunded", "ArbiterChanged"] as const),
  RETRACTION_TYPE,
] as const;

const HEADERS = {
  "content-type": "text/event-stream",
  "cache-control": "no-store, no-transform",
  // For proxies that would wait for more.
  "x-accel-buffering": "no",
  connection: "close",
};

const request = {
  params: z.object({ publication }),
  headers: z.object({
    "Last-Event-ID": offset
      .optional()
      .openapi({ description: "The id of the last message: comes before `after`." }),
  }),
  query: z.object({
    after: offset
      .default(0)
      .openapi({ description: "Begins behind this offset; with the first message without it." }),
    chain_id: chainId.optional(),
    escrow: address.optional(),
    party: address.optional().openapi({
      description: "Named as payer, payee, arbiter or approver, in the message itself.",
    }),
    type: words("a type of message", TYPES).optional(),
  }),
};

/** `/v1/feeds/{publication}/stream` */
export function addFeedStream(app: OpenAPIHono<ApiEnv>, parts: FeedParts): void {
  describeRoute(app, {
    ...{ path, request, tag: "feeds", isOfFeed: true },
    summary: "Follows a publication, as server-sent events",
    description:
      "Each message is an event whose `id` is its offset and whose `data` is the message, as on the pages. A filter lets a retraction through when it let through what is retracted. Events `status` and `end`, and comments, carry no `id`: `read_to` in them is an offset to begin behind, where a filter lets little through.",
    answer: {
      description: "A stream that does not end by itself.",
      content: { "text/event-stream": { schema: z.string() } },
    },
  });
  app.get("/v1/feeds/:publication/stream", async (c) => {
    const { params, query } = readInput(c, request);
    const after = lastEventId(c) ?? query.after;
    const signal = c.get("signal");
    const asked = { topic: params.publication, after, signal };
    const found = await publicationBehind(parts, asked);
    if (c.req.method === "HEAD") return c.body(null, 200, HEADERS);
    signal.throwIfAborted();
    const { chain_id, escrow, party, type: types } = query;
    const filter = { chainId: chain_id, escrow, party, types };
    const { hub } = parts;
    const whose = { client: c.get("client"), key: c.get("key") };
    const stream = hub.open({ publication: found, after, filter, ...whose });
    signal.addEventListener("abort", () => hub.close(stream), { once: true });
    c.set("isSmall", true);
    return c.body(bodyOf(stream, hub, c), 200, HEADERS);
  });
}

/** @throws Problem 400 when it is no offset */
function lastEventId(c: Context<ApiEnv>): number | null {
  const text = c.req.header("last-event-id") ?? "";
  if (text === "") return null;
  const { success, data } = offset.safeParse(text);
  if (success) return data;
  throw new Problem("ES-REQUEST-BAD", "that is not the id of a message: expected its offset", {
    parameter: "Last-Event-ID",
  });
}

/** Asks the stream for more only when the client has taken what there was. */
function bodyOf(stream: FeedStream, hub: FeedHub, c: Context<ApiEnv>): ReadableStream<Uint8Array> {
  let timer: NodeJS.Timeout | undefined;
  const close = (): void => {
    clearTimeout(timer);
    hub.close(stream);
  };
  const drop = (): void => {
    hub.dropped += 1;
    close();
    c.env.outgoing?.destroy();
  };
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        clearTimeout(timer);
        const chunk = await stream.next();
        if (chunk === null) {
          close();
          controller.close();
          return;
        }
        controller.enqueue(chunk);
        timer = setTimeout(drop, hub.stalledMs);
      },
      cancel: close,
    },
    { highWaterMark: 0 },
  );
}
