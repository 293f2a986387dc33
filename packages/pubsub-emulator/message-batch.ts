import { encodeMessageId, encodePublishTime } from "./message-wire.ts";

/** A message as a topic keeps it. `sequence` counts 0, 1, 2 … within the topic. */
export interface StoredMessage {
  readonly sequence: number;
  readonly publishTimeMs: number;
  readonly orderingKey: string;
  /** The encoded PubsubMessage, with message id and publish time. */
  readonly bytes: Buffer;
}

/** The messages of one Publish request: one record in the topic's log, kept or lost together. */
export interface MessageBatch {
  readonly firstSequence: number;
  readonly publishTimeMs: number;
  readonly messages: readonly StoredMessage[];
  /** What the log stores. The messages' bytes are views into it. */
  readonly record: Buffer;
}

const BATCH_HEADER_BYTES = 20; // first sequence (f64), publish time (f64), count (u32)
const MESSAGE_HEADER_BYTES = 6; // message length (u32), ordering key length (u16)

/** Numbers the messages from `firstSequence` on and lays them out as one log record. */
export function createBatch(
  firstSequence: number,
  publishTimeMs: number,
  messageIds: readonly string[],
  published: readonly { bytes: Buffer; orderingKey: string }[],
): MessageBatch {
  const time = encodePublishTime(publishTimeMs);
  const parts = published.map(({ bytes, orderingKey }, index) => ({
    bytes,
    orderingKey,
    key: Buffer.from(orderingKey),
    id: encodeMessageId(messageIds[index] as string),
  }));
  const size = parts.reduce(
    (sum, { bytes, key, id }) =>
      sum + MESSAGE_HEADER_BYTES + key.length + bytes.length + id.length + time.length,
    BATCH_HEADER_BYTES,
  );
  const record = Buffer.allocUnsafeSlow(size);
  record.writeDoubleLE(firstSequence, 0);
  record.writeDoubleLE(publishTimeMs, 8);
  record.writeUInt32LE(parts.length, 16);
  let at = BATCH_HEADER_BYTES;
  const messages = parts.map(({ bytes, orderingKey, key, id }, index): StoredMessage => {
    const length = bytes.length + id.length + time.length;
    record.writeUInt32LE(length, at);
    record.writeUInt16LE(key.length, at + 4);
    at += MESSAGE_HEADER_BYTES + key.copy(record, at + MESSAGE_HEADER_BYTES);
    const start = at;
    for (const part of [bytes, id, time]) at += part.copy(record, at);
    return {
      sequence: firstSequence + index,
      publishTimeMs,
      orderingKey,
      bytes: record.subarray(start, at),
    };
  });
  return { firstSequence, publishTimeMs, messages, record };
}

/** When the messages of a record were published, without reading them. */
export function publishTimeOf(record: Buffer): number {
  return record.readDoubleLE(8);
}

/** Reads back what `createBatch` laid out. The messages' bytes are views into `record`. */
export function parseBatch(record: Buffer): MessageBatch {
  const firstSequence = record.readDoubleLE(0);
  const publishTimeMs = record.readDoubleLE(8);
  const count = record.readUInt32LE(16);
  const messages: StoredMessage[] = [];
  let at = BATCH_HEADER_BYTES;
  for (let index = 0; index < count; index++) {
    const length = record.readUInt32LE(at);
    const keyEnd = at + MESSAGE_HEADER_BYTES + record.readUInt16LE(at + 4);
    messages.push({
      sequence: firstSequence + index,
      publishTimeMs,
      orderingKey: record.toString("utf8", at + MESSAGE_HEADER_BYTES, keyEnd),
      bytes: record.subarray(keyEnd, keyEnd + length),
    });
    at = keyEnd + length;
  }
  return { firstSequence, publishTimeMs, messages, record };
}
