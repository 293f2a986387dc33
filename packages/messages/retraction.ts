import { BODIES, ORIGIN_FIELDS } from "./bodies.ts";
import { type Attributes, messageId } from "./message-attributes.ts";

/** A published event that has to be retracted. */
export type Published = {
  eventId: string;
  /** Which announcement of the event, when it came back after an earlier retraction. */
  incarnation: number;
  body: string;
  /** What the outbox said of it, or all that it was sent with. */
  sourceAttributes: Attributes;
};

/** What a retraction says, before it has its place. */
export type Retraction = { body: string; sourceAttributes: Attributes };

/** The `event_type` of a retraction, in its body and its attributes. */
export const RETRACTION_TYPE = "EventRetracted";

/** The fields of a body that say where an event was; a retraction says the same of it. */
const ORIGIN = Object.keys(ORIGIN_FIELDS);
const { schemaVersion } = BODIES[RETRACTION_TYPE];
/** The original's own: `messageAttributes` puts in the retraction's. */
const NOT_INHERITED = new Set(["sequence", "incarnation", "publication", "finality"]);

/**
 * Makes the message that retracts a published event. It has its own id and names the event's. The
 * same announcement gives the same bytes, always.
 */
export function retractionOf(published: Published): Retraction {
  const { eventId, incarnation, body, sourceAttributes } = published;
  const original = JSON.parse(body) as Record<string, unknown>;
  const id = messageId({ kind: "retraction", eventId, incarnation });
  const kept = Object.entries(sourceAttributes).filter(([name]) => !NOT_INHERITED.has(name));
  return {
    body: JSON.stringify({
      event_id: id,
      event_type: RETRACTION_TYPE,
      schema_version: schemaVersion,
      ...Object.fromEntries(
        ORIGIN.filter((name) => name in original).map((name) => [name, original[name]]),
      ),
      retracts: eventId,
      retracts_type: original.event_type,
    }),
    sourceAttributes: {
      ...Object.fromEntries(kept),
      event_id: id,
      event_type: RETRACTION_TYPE,
      retracts: eventId,
      // What came back always has one, so that its retraction does, too.
      ...("ce-id" in sourceAttributes || incarnation > 1
        ? { "ce-id": id, "ce-type": `escrow.${RETRACTION_TYPE}.v${schemaVersion}` }
        : {}),
    },
  };
}
