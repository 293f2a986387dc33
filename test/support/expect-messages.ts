import { expect } from "vitest";
import type { Received } from "./topic-recorder.ts";

/**
 * Asserts that these are all the messages that came, each once and with the same bytes, and that
 * those of each key came in this order.
 */
export function expectMessages(received: readonly Received[], expected: readonly Received[]): void {
  expect(perKey(received)).toEqual(perKey(expected));
}

/** The messages without those that came before with the same bytes, id and place. */
export function withoutRepeats(received: readonly Received[]): Received[] {
  const seen = new Set<string>();
  return received.filter((message) => {
    const bytes = JSON.stringify(message);
    return !seen.has(bytes) && seen.add(bytes);
  });
}

function perKey(messages: readonly Received[]): Record<string, Received[]> {
  return Object.fromEntries([...Map.groupBy(messages, ({ orderingKey }) => orderingKey)].sort());
}
