import { BARRIER_ATTRIBUTE } from "@escrow-stream/messages";
import { decodeMessage } from "./decode-message.ts";
import type { Envelope } from "./envelope.ts";
import { type ExpectedPublication, refuseUnexpected } from "./expected-publication.ts";
import { MalformedMessage } from "./malformed-message.ts";
import { messageHash } from "./message-hash.ts";
import type { PubsubMessage } from "./pubsub-message.ts";

/**
 * Reads where a message belongs. That is believed only of a message of the expected publication whose
 * key, attributes and body say the same: whoever else may publish to the topic could otherwise have
 * it applied once more under another key, or put something in another one's place.
 *
 * @returns null for a barrier, which is for the relay itself
 * @throws MalformedMessage when it has no place; UnexpectedMessage, which is one, when it may have one
 *   elsewhere
 */
export function readEnvelope(
  source: PubsubMessage,
  expected: ExpectedPublication,
): Envelope | null {
  const {
    event_id: messageId,
    [BARRIER_ATTRIBUTE]: barrier,
    sequence,
    publication,
  } = source.attributes;
  if (messageId === undefined && barrier !== undefined) return null;
  if (!messageId) throw new MalformedMessage("A message has no attribute event_id.");
  const problem = (what: string) => new MalformedMessage(`Message ${messageId} has ${what}.`);
  if (!publication) throw problem("no attribute publication");
  if (!source.orderingKey) throw problem("no ordering key");
  if (sequence === undefined) throw problem("no attribute sequence");
  const place = /^[1-9]\d*$/.test(sequence) ? Number(sequence) : Number.NaN;
  if (!Number.isSafeInteger(place))
    throw problem(`sequence "${sequence}", which is not a number from 1 to 2^53`);
  refuseUnexpected(source, expected);
  const envelope = {
    publication,
    orderingKey: source.orderingKey,
    sequence: place,
    messageId,
    hash: messageHash(source),
    source,
  };
  decodeMessage(envelope);
  return envelope;
}
