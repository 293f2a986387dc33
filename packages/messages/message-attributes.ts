import { BARRIER_ATTRIBUTE } from "./barrier-attribute.ts";

export type Attributes = Record<string, string>;

/** What a message is, on the topic that it is published to. */
export type MessageIdentity = {
  kind: "event" | "retraction";
  /** Of the event that is published or retracted. */
  eventId: string;
  /** 1 for the first time that the event was there; more when it came back after a reorg. */
  incarnation: number;
};

export type MessagePlace = MessageIdentity & {
  /** Topic id. */
  publication: string;
  /** 1, 2, 3 … in its ordering key. */
  sequence: number;
  finality: "provisional" | "final";
};

/**
 * The attributes of a message as it is sent: the only place that makes them. The same arguments
 * give the same attributes, also when `source` holds them all already.
 *
 * @param source what the outbox says of an event, or `retractionOf` of a retraction
 */
export function messageAttributes(source: Attributes, place: MessagePlace): Attributes {
  const { publication, sequence, finality } = place;
  return { ...source, ...idsOf(place), sequence: String(sequence), publication, finality };
}

/** The attributes of a barrier. It has no `event_id`: who filters on that never sees it. */
export function barrierAttributes(barrier: string): Attributes {
  return { [BARRIER_ATTRIBUTE]: barrier };
}

/**
 * What a message is, from its attributes.
 *
 * @returns null when it has no `event_id`: a barrier, or nobody's
 */
export function identityOf(attributes: Attributes): MessageIdentity | null {
  const { event_id: id, retracts } = attributes;
  if (id === undefined) return null;
  if (retracts !== undefined)
    return {
      kind: "retraction",
      eventId: retracts,
      incarnation: Number(RETRACTION_ID.exec(id)?.[1] ?? 1),
    };
  const incarnation = Number(attributes.incarnation ?? 1);
  const suffix = suffixOf(incarnation);
  const isPlain = incarnation === 1 || !id.endsWith(suffix);
  return { kind: "event", eventId: isPlain ? id : id.slice(0, -suffix.length), incarnation };
}

/** A message's own id, its attribute `event_id`: that of the event, the first time. */
export function messageId({ kind, eventId, incarnation }: MessageIdentity): string {
  if (kind === "retraction") return `retraction-${incarnation}-${eventId}`;
  return incarnation === 1 ? eventId : `${eventId}${suffixOf(incarnation)}`;
}

const RETRACTION_ID = /^retraction-(\d+)-/;

function suffixOf(incarnation: number): string {
  return `#${incarnation}`;
}

function idsOf(identity: MessageIdentity): Attributes {
  const id = messageId(identity);
  if (identity.kind === "retraction" || identity.incarnation === 1) return { event_id: id };
  return { event_id: id, "ce-id": id, incarnation: String(identity.incarnation) };
}
