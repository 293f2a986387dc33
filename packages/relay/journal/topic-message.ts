import { type Attributes, identityOf, type MessageIdentity } from "@escrow-stream/messages";
import type { Receipt } from "../doubt/receipts.ts";
import type { OutboxSource, Place } from "../source/outbox-source.ts";

/** A message as it was read back from the topic, with what the journal keeps of it. */
export type TopicMessage = MessageIdentity &
  Place & {
    orderingKey: string;
    sequence: number;
    body: string;
    attributes: Attributes;
    publishedAtMs: number;
  };

/** The topic holds what cannot be brought in line with the journal: needs operator action. */
export class TopicContradiction extends Error {
  override name = "TopicContradiction";
  readonly code = "ES-ADOPT-REFUSED";
}

/**
 * A receipt as a row of the journal.
 *
 * @returns null for what is not the relay's: a barrier, or somebody else's message
 * @throws TopicContradiction when its body does not say where the event was
 */
export function toTopicMessage(
  receipt: Receipt,
  topic: string,
  source: OutboxSource,
): TopicMessage | null {
  const { orderingKey, sequence, attributes, data, publishedAtMs } = receipt;
  const identity = identityOf(attributes);
  if (sequence === null || identity === null || attributes.publication !== topic) return null;
  const body = Buffer.from(data).toString("utf8");
  const place = source.placeOf(body);
  if (place === null)
    throw new TopicContradiction(
      `message ${orderingKey} #${sequence} (${attributes.event_id}) on the topic is not in the journal, and its body does not say where ${source.name} had it`,
    );
  return { orderingKey, sequence, ...identity, ...place, body, attributes, publishedAtMs };
}
