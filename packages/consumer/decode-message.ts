import { identityOf, messageId as idOf, parseBody, RETRACTION_TYPE } from "@escrow-stream/messages";
import type { Envelope } from "./envelope.ts";
import { MalformedMessage } from "./malformed-message.ts";
import type { PubsubMessage } from "./pubsub-message.ts";

type Common = {
  /** Id of this message: attribute `event_id`. */
  messageId: string;
  /**
   * Id of the event: `event_id` in the body. It differs from the message's when an event is published
   * again after a reorg and back. A retraction's is its own.
   */
  eventId: string;
  /** 1 when the chain had this event for the first time; more each time that it came back. */
  incarnation: number;
  eventType: string;
  chainId: number;
  escrowAddress: string;
  sequence: number;
  /** `provisional` events may be retracted later, `final` ones never are. */
  finality: "provisional" | "final";
  publication: string;
  body: Readonly<Record<string, unknown>>;
  raw: PubsubMessage;
};

/** An event of the chain. */
export type EventMessage = Common & { kind: "event" };

/** Retracts the event with id `retracts`: a reorg dropped its block. */
export type RetractionMessage = Common & { kind: "retraction"; retracts: string };

export type DecodedMessage = EventMessage | RetractionMessage;

/** @throws MalformedMessage saying what is missing or wrong, or what its attributes and its body differ in */
export function decodeMessage(envelope: Envelope): DecodedMessage {
  const { messageId, sequence, publication, source } = envelope;
  const problem = (what: string, cause?: unknown) =>
    new MalformedMessage(
      `Message ${messageId} (${publication}, key ${envelope.orderingKey}, sequence ${sequence}) has ${what}.`,
      { cause },
    );
  const attribute = (name: string): string => {
    const value = source.attributes[name];
    if (!value) throw problem(`no attribute ${name}`);
    return value;
  };
  const integer = (name: string, text: string): number => {
    if (!/^\d{1,15}$/.test(text)) throw problem(`${name} "${text}", which is not a number`);
    return Number(text);
  };
  const finality = attribute("finality");
  if (finality !== "provisional" && finality !== "final")
    throw problem(`finality "${finality}", which is neither provisional nor final`);

  const body = read(source.data, problem);
  const common = {
    messageId,
    incarnation: integer("incarnation", source.attributes.incarnation ?? "1"),
    eventType: attribute("event_type"),
    chainId: integer("chain_id", attribute("chain_id")),
    escrowAddress: attribute("escrow_address"),
    sequence,
    finality,
    publication,
    body,
    raw: source,
  } as const;

  const same = <T>(name: string, told: T): T => {
    if (body[name] !== told)
      throw problem(`${name} "${told}" as attribute and "${body[name]}" in its body`);
    return told;
  };
  same("event_type", common.eventType);
  same("chain_id", common.chainId);
  same("escrow_address", common.escrowAddress);
  const identity = identityOf(source.attributes);
  const isRetraction = common.eventType === RETRACTION_TYPE;
  if (isRetraction) same("retracts", attribute("retracts"));
  if (
    identity === null ||
    idOf(identity) !== messageId ||
    isRetraction !== (identity.kind === "retraction")
  )
    throw problem("an event_id that its other attributes do not make");
  if (isRetraction) {
    if (finality === "final")
      throw problem("the finality final, and nothing final is ever retracted");
    return {
      ...common,
      kind: "retraction",
      eventId: same("event_id", messageId),
      retracts: identity.eventId,
    };
  }
  return { ...common, kind: "event", eventId: same("event_id", identity.eventId) };
}

function read(
  data: Uint8Array,
  problem: (what: string, cause?: unknown) => MalformedMessage,
): Readonly<Record<string, unknown>> {
  try {
    return parseBody(data);
  } catch (cause) {
    throw problem(`a body that is ${(cause as Error).message}`, cause);
  }
}
