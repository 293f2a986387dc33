import type { Received } from "../support/topic-recorder.ts";

export type MessageDifferences = {
  lost: number;
  repeated: number;
  /** Other bytes, or a message that nobody called for. */
  differing: number;
  reordered: number;
};

/** Compares what came from a topic with what had to come, each once and in order per key. */
export function compareMessages(
  received: readonly Received[],
  expected: readonly Received[],
): MessageDifferences {
  const wanted = new Map(expected.map((message) => [idOf(message), bytesOf(message)]));
  const ids = new Set(received.map(idOf));
  return {
    lost: expected.filter((message) => !ids.has(idOf(message))).length,
    repeated: received.length - ids.size,
    differing: received.filter((message) => wanted.get(idOf(message)) !== bytesOf(message)).length,
    reordered: countReordered(received),
  };
}

function countReordered(received: readonly Received[]): number {
  const last = new Map<string, number>();
  let reordered = 0;
  for (const { orderingKey, attributes } of received) {
    const sequence = Number(attributes.sequence);
    if (sequence < (last.get(orderingKey) ?? 0)) reordered += 1;
    last.set(orderingKey, Math.max(sequence, last.get(orderingKey) ?? 0));
  }
  return reordered;
}

function idOf({ attributes }: Received): string {
  return attributes.event_id ?? "";
}

/** Attributes have no order. */
function bytesOf({ orderingKey, body, attributes }: Received): string {
  return JSON.stringify([orderingKey, body, Object.entries(attributes).sort()]);
}
