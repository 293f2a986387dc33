import { invalidArgument } from "./grpc-error.ts";
import { LIMITS } from "./limits.ts";
import type { MessageView } from "./message-view.ts";
import type { MessageFields } from "./message-wire.ts";

/** Throws INVALID_ARGUMENT when the service would refuse a Publish request with these messages. */
export function validateMessages(messages: readonly MessageView[]): void {
  if (messages.length === 0) throw invalidArgument("A publish request must have a message.");
  if (messages.length > LIMITS.publishRequestMessages) {
    throw invalidArgument(
      `The publish request has ${messages.length} messages; ` +
        `the limit is ${LIMITS.publishRequestMessages}.`,
    );
  }
  const bytes = messages.reduce((sum, message) => sum + message.bytes.length, 0);
  if (bytes > LIMITS.publishRequestBytes) {
    throw invalidArgument(
      `The publish request has ${bytes} bytes; the limit is ${LIMITS.publishRequestBytes}.`,
    );
  }
  const [first] = messages.map((message, index) => {
    const fields = readFields(message, index);
    validateMessage(fields);
    return fields.orderingKey;
  });
  if (messages.some((message) => first?.equals(message.fields.orderingKey) === false)) {
    throw invalidArgument(
      "In a Publish request, all messages must have no ordering key " +
        "or they must all have the same ordering key.",
    );
  }
}

function readFields(message: MessageView, index: number): MessageFields {
  try {
    return message.fields;
  } catch (error) {
    throw invalidArgument(`Message ${index} cannot be decoded: ${(error as Error).message}.`);
  }
}

function validateMessage(message: MessageFields): void {
  if (message.data.length === 0 && message.attributes.length === 0) {
    throw invalidArgument("A message must have either data or at least one attribute.");
  }
  if (message.orderingKey.length > LIMITS.orderingKeyBytes) {
    throw invalidArgument(
      `The ordering key has ${message.orderingKey.length} bytes; ` +
        `the limit is ${LIMITS.orderingKeyBytes}.`,
    );
  }
  if (message.attributes.length > LIMITS.attributesPerMessage) {
    throw invalidArgument(
      `The message has ${message.attributes.length} attributes; ` +
        `the limit is ${LIMITS.attributesPerMessage}.`,
    );
  }
  for (const { key, value } of message.attributes) {
    if (key.length === 0) throw invalidArgument("An attribute key must not be empty.");
    if (key.length > LIMITS.attributeKeyBytes) {
      throw invalidArgument(
        `An attribute key has ${key.length} bytes; the limit is ${LIMITS.attributeKeyBytes}.`,
      );
    }
    if (startsWithGoog(key)) throw invalidArgument("An attribute key must not begin with goog.");
    if (value.length > LIMITS.attributeValueBytes) {
      throw invalidArgument(
        `The value of attribute ${key.toString()} has ${value.length} bytes; ` +
          `the limit is ${LIMITS.attributeValueBytes}.`,
      );
    }
  }
}

const startsWithGoog = (key: Buffer): boolean =>
  key[0] === 0x67 && key[1] === 0x6f && key[2] === 0x6f && key[3] === 0x67;
