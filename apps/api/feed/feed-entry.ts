import { RETRACTION_TYPE } from "@escrow-stream/messages";
import { feedMessage } from "./feed-message.ts";
import type { FeedBounds, FeedRow } from "./feed-row.ts";
import type { FeedSource } from "./feed-source.ts";

/** A message as streams hand it out: made once, for all of them. */
export type FeedEntry = {
  offset: number;
  /** The whole server-sent event. */
  frame: Buffer;
  chainId: number;
  escrow: string | undefined;
  /** Its own type, and that of what it retracts. */
  types: readonly string[];
  /** Who is named in it, or in what it retracts. */
  parties: readonly string[];
};

const PARTY_FIELDS = ["payer", "payee", "arbiter", "approver", "old_arbiter", "new_arbiter"];

/**
 * Makes entries of rows. A retraction names nobody: it concerns those whom the event names that it
 * retracts, so that whoever got the one gets the other.
 */
export async function feedEntries(
  source: FeedSource,
  publication: FeedBounds,
  rows: readonly FeedRow[],
): Promise<FeedEntry[]> {
  const retracted = rows.flatMap(({ kind, event_id }) => (kind === "retraction" ? event_id : []));
  const bodies = retracted.length === 0 ? new Map() : await source.bodies(publication, retracted);
  return rows.map((row) => {
    const own = fieldsOf(row.body);
    const named = row.kind === "retraction" ? fieldsOf(bodies.get(row.event_id) ?? "{}") : own;
    return {
      offset: row.feed_offset,
      frame: Buffer.from(
        `id: ${row.feed_offset}\nevent: message\ndata: ${JSON.stringify(feedMessage(row))}\n\n`,
      ),
      chainId: row.chain_id,
      escrow: row.attributes.escrow_address,
      types: typesOf(row, own),
      parties: PARTY_FIELDS.flatMap((name) => textOf(named[name])),
    };
  });
}

function typesOf({ kind, attributes }: FeedRow, own: Record<string, unknown>): string[] {
  if (kind === "retraction") return [RETRACTION_TYPE, ...textOf(own.retracts_type)];
  return textOf(attributes.event_type);
}

function textOf(value: unknown): string[] {
  return typeof value === "string" ? [value] : [];
}

/** A body need not be JSON: what other outboxes publish names nobody then. */
function fieldsOf(body: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(body)) as Record<string, unknown>;
  } catch {
    return {};
  }
}
