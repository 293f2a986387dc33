import { z } from "@hono/zod-openapi";
import type { FeedRow } from "./feed-row.ts";

/** A message as it is answered, on pages and streams. */
export const feedMessageSchema = z
  .object({
    offset: z.int().openapi({ description: "Its place in the publication: 1, 2, 3 …" }),
    message_id: z.string().openapi({ description: "Its own id, the attribute `event_id`." }),
    event_id: z.string().openapi({ description: "Of the event that it publishes or retracts." }),
    kind: z.enum(["event", "retraction"]),
    ordering_key: z.string(),
    sequence: z.int().openapi({ description: "Its place in its ordering key." }),
    accepted: z
      .boolean()
      .openapi({ description: "Whether Pub/Sub was known to have it when this was read." }),
    captured_at: z.iso.datetime(),
    attributes: z.record(z.string(), z.string()).openapi({ description: "As on Pub/Sub." }),
    data: z.string().openapi({
      description: "What Pub/Sub has as data: its UTF-8 bytes are the same. Itself JSON.",
    }),
  })
  .openapi("FeedMessage");

export function feedMessage(row: FeedRow): z.output<typeof feedMessageSchema> {
  return {
    offset: row.feed_offset,
    message_id: row.message_id,
    event_id: row.event_id,
    kind: row.kind,
    ordering_key: row.ordering_key,
    sequence: row.sequence,
    accepted: row.accepted,
    captured_at: row.captured_at.toISOString(),
    attributes: row.attributes,
    data: row.body,
  };
}
