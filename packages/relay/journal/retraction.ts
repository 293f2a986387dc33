/** A message of the journal that has to be retracted. */
export type Announced = {
  eventId: string;
  /** Which announcement of the event, when it came back after an earlier retraction. */
  incarnation: number;
  body: string;
  attributes: Record<string, string>;
};

/** What a retraction says, before it has its sequence. */
export type Retraction = { body: string; attributes: Record<string, string> };

/** The fields of a body that say where an event was; a retraction says the same of it. */
const ORIGIN = [
  "chain_id",
  "contract_address",
  "escrow_address",
  "block_number",
  "block_hash",
  "block_timestamp",
  "transaction_hash",
  "log_index",
];

const TYPE = "EventRetracted";
const SCHEMA_VERSION = 1;
/** The original's own; the journal writes the retraction's. */
const NOT_INHERITED = new Set(["sequence", "incarnation"]);

/**
 * Makes the message that retracts an announced event. It has its own id and names the event's.
 * The same announcement gives the same bytes, always.
 */
export function retractionOf({ eventId, incarnation, body, attributes }: Announced): Retraction {
  const original = JSON.parse(body) as Record<string, unknown>;
  const id = `retraction-${incarnation}-${eventId}`;
  const kept = Object.entries(attributes).filter(([name]) => !NOT_INHERITED.has(name));
  return {
    body: JSON.stringify({
      event_id: id,
      event_type: TYPE,
      schema_version: SCHEMA_VERSION,
      ...Object.fromEntries(
        ORIGIN.filter((name) => name in original).map((name) => [name, original[name]]),
      ),
      retracts: eventId,
      retracts_type: original.event_type,
    }),
    attributes: {
      ...Object.fromEntries(kept),
      event_id: id,
      event_type: TYPE,
      retracts: eventId,
      ...("ce-id" in attributes ? { "ce-id": id, "ce-type": `escrow.${TYPE}.v1` } : {}),
    },
  };
}
