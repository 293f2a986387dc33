/**
 * PubsubMessage on the wire. A published message is kept, logged and delivered as the bytes the
 * publisher sent; only what validation needs is read out of them. Building an object per message
 * instead costs several times more CPU and memory, and would drop fields this server does not know.
 *
 * Fields (pubsub.proto): 1 data, 2 attributes (map entries: 1 key, 2 value), 3 message_id,
 * 4 publish_time, 5 ordering_key.
 */

const DATA = 1;
const ATTRIBUTES = 2;
const ORDERING_KEY = 5;

/** Sizes are in bytes. Attribute keys and values are subarrays of the message, not copies. */
export interface MessageFields {
  data: Buffer;
  attributes: { key: Buffer; value: Buffer }[];
  orderingKey: Buffer;
}

const EMPTY: Buffer = Buffer.alloc(0);

/** Reads one encoded PubsubMessage. Throws RangeError when the bytes are not a protobuf message. */
export function readMessageFields(bytes: Buffer): MessageFields {
  const fields: MessageFields = { data: EMPTY, attributes: [], orderingKey: EMPTY };
  forEachField(bytes, (field, value) => {
    if (field === DATA) fields.data = value;
    else if (field === ORDERING_KEY) fields.orderingKey = value;
    else if (field === ATTRIBUTES) fields.attributes.push(readMapEntry(value));
  });
  return fields;
}

function readMapEntry(bytes: Buffer): { key: Buffer; value: Buffer } {
  let key = EMPTY;
  let value = EMPTY;
  forEachField(bytes, (field, bytesOfField) => {
    if (field === 1) key = bytesOfField;
    else if (field === 2) value = bytesOfField;
  });
  return { key, value };
}

/** Visits the length-delimited fields and steps over all others. */
function forEachField(bytes: Buffer, visit: (field: number, value: Buffer) => void): void {
  const cursor = { at: 0 };
  while (cursor.at < bytes.length) {
    const tag = readVarint(bytes, cursor);
    const wireType = tag & 7;
    if (wireType === 2) {
      const length = readVarint(bytes, cursor);
      const end = cursor.at + length;
      if (end > bytes.length) throw new RangeError("field runs past the end of the message");
      visit(tag >>> 3, bytes.subarray(cursor.at, end));
      cursor.at = end;
    } else if (wireType === 0) readVarint(bytes, cursor);
    else if (wireType === 1) cursor.at += 8;
    else if (wireType === 5) cursor.at += 4;
    else throw new RangeError(`unknown wire type ${wireType}`);
  }
}

function readVarint(bytes: Buffer, cursor: { at: number }): number {
  let value = 0;
  let scale = 1;
  for (let i = 0; i < 10; i++) {
    const byte = bytes[cursor.at++];
    if (byte === undefined) throw new RangeError("message ends inside a number");
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value;
    scale *= 128;
  }
  throw new RangeError("number longer than ten bytes");
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return bytes;
}

/** The field `publish_time`, ready to be appended to encoded messages. */
export function encodePublishTime(publishTimeMs: number): Buffer {
  const seconds = Math.floor(publishTimeMs / 1000);
  // Both parts are always written: fields of one submessage merge, so a part left out here would
  // let a value that the publisher had put there show through.
  const body = [0x08, ...varint(seconds), 0x10, ...varint((publishTimeMs % 1000) * 1_000_000)];
  return Buffer.from([0x22, body.length, ...body]);
}

/** The field `message_id`; the last one in a message wins, so appending it sets it. */
export function encodeMessageId(messageId: string): Buffer {
  return Buffer.concat([Buffer.from([0x1a, messageId.length]), Buffer.from(messageId, "latin1")]);
}

/** A length-delimited field: string, bytes, message or map entry. */
export const encodeField = (field: number, value: Buffer): Buffer =>
  Buffer.concat([Buffer.from([(field << 3) | 2, ...varint(value.length)]), value]);

/** Encodes a message for the server's own publishing (dead letters). */
export function encodeMessage(message: {
  data: Buffer;
  attributes: readonly (readonly [string, string])[];
  orderingKey: string;
}): Buffer {
  const parts: Buffer[] = [];
  if (message.data.length > 0) parts.push(encodeField(DATA, message.data));
  for (const [key, value] of message.attributes) {
    const entry = [encodeField(1, Buffer.from(key)), encodeField(2, Buffer.from(value))];
    parts.push(encodeField(ATTRIBUTES, Buffer.concat(entry)));
  }
  if (message.orderingKey !== "") {
    parts.push(encodeField(ORDERING_KEY, Buffer.from(message.orderingKey)));
  }
  return Buffer.concat(parts);
}
