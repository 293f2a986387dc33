import { type Attributes, type MessageIdentity, messageAttributes } from "@escrow-stream/messages";
import { finalityOf, type PublicationConfig } from "./publication.ts";

/** What a row of `relay.message` holds of a message's attributes. */
export type AttributesRow = {
  kind: MessageIdentity["kind"];
  event_id: string;
  incarnation: number;
  sequence: string;
  source_attributes: Attributes;
};

/** The attributes that a message of the journal is sent with, always. */
export function sentAttributes(
  publication: Pick<PublicationConfig, "topic" | "finality">,
  row: AttributesRow,
): Attributes {
  return messageAttributes(row.source_attributes, {
    kind: row.kind,
    eventId: row.event_id,
    incarnation: row.incarnation,
    publication: publication.topic,
    sequence: Number(row.sequence),
    finality: finalityOf(publication),
  });
}
