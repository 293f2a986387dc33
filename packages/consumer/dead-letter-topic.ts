import type { PubSub } from "@google-cloud/pubsub";
import type { PubsubMessage } from "./pubsub-message.ts";

export type DeadLetterNote = { reason: string; attempts: number; subscription: string };

// https://cloud.google.com/pubsub/quotas#resource_limits
const MAX_ATTRIBUTES = 100;
const MAX_VALUE_BYTES = 1024;

/**
 * Publishes a dead letter: the message's own body and attributes, and why it is there. It has no
 * ordering key, so that one of them cannot hold back another; the original one is an attribute. A
 * crash just after may publish it again.
 */
export async function publishDeadLetter(
  pubsub: PubSub,
  topic: string,
  message: PubsubMessage,
  note: DeadLetterNote,
): Promise<void> {
  await pubsub.topic(topic).publishMessage({
    data: Buffer.from(message.data),
    attributes: deadLetterAttributes(message, note),
  });
}

export function deadLetterAttributes(
  { attributes, orderingKey }: PubsubMessage,
  { reason, attempts, subscription }: DeadLetterNote,
): Record<string, string> {
  const added = {
    dead_letter_reason: truncate(reason, MAX_VALUE_BYTES),
    dead_letter_attempts: String(attempts),
    dead_letter_subscription: subscription,
    ...(orderingKey ? { dead_letter_ordering_key: orderingKey } : {}),
  };
  // `goog` is a prefix that publishers may not use.
  const own = Object.entries(attributes).filter(([name]) => !name.startsWith("goog"));
  const room = MAX_ATTRIBUTES - Object.keys(added).length;
  return { ...Object.fromEntries(own.slice(0, room)), ...added };
}

/** The longest beginning that fits, without cutting a character in two. */
function truncate(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  return new TextDecoder().decode(bytes.subarray(0, maxBytes), { stream: true });
}
