import { LATEST_TOPIC } from "./settings.ts";
import type { Arrival } from "./topic-observer.ts";
import { type Expected, nothingWrong, type Verdict } from "./verdict.ts";

/**
 * Judges what a plain subscriber got from a topic: each expected event in one message, first
 * arrivals of a key in the order of the chain and numbered without a gap, bytes and attributes as
 * they were written.
 *
 * @param excused copies that a paused process may have left
 */
export function judgeTopic(
  topic: string,
  arrivals: Arrival[],
  changed: string[],
  expected: Expected[],
  excused: (arrival: Arrival) => boolean,
): Verdict & { excused: string[] } {
  const verdict = { ...nothingWrong(), excused: [] as string[] };
  const places = placesOf(topic, expected);
  const sequences = new Map<string, Set<number>>();
  const highest = new Map<string, number>();
  const seen = new Set<string>();
  verdict.differing.push(...changed.map((id) => `${topic} message ${id}, delivered twice`));
  for (const arrival of arrivals) {
    const eventId = arrival.attributes.event_id ?? "";
    const id = `${topic} ${eventId}`;
    const sequence = Number(arrival.attributes.sequence);
    const place = places.get(eventId);
    if (place === undefined || bytesOf(arrival) !== place.bytes) verdict.differing.push(id);
    if (seen.has(eventId)) {
      if (excused(arrival)) verdict.excused.push(id);
      else verdict.duplicated.push(id);
      continue;
    }
    seen.add(eventId);
    const { orderingKey } = arrival;
    if (sequence < (highest.get(orderingKey) ?? 0)) verdict.reordered.push(id);
    highest.set(orderingKey, Math.max(sequence, highest.get(orderingKey) ?? 0));
    const numbers = sequences.get(orderingKey) ?? new Set();
    sequences.set(orderingKey, numbers.add(sequence));
  }
  for (const { eventId } of expected)
    if (!seen.has(eventId)) verdict.lost.push(`${topic} ${eventId}`);
  for (const [key, numbers] of sequences)
    for (let n = 1; n <= Math.max(...numbers); n++)
      if (!numbers.has(n)) verdict.gaps.push(`${topic} ${key} sequence ${n}`);
  return verdict;
}

/** The bytes that each event must have been told with; its sequence is its place in its key. */
function placesOf(topic: string, expected: Expected[]): Map<string, { bytes: string }> {
  const lengths = new Map<string, number>();
  const finality = topic === LATEST_TOPIC ? "provisional" : "final";
  return new Map(
    expected.map(({ eventId, orderingKey, body, attributes }) => {
      const sequence = (lengths.get(orderingKey) ?? 0) + 1;
      lengths.set(orderingKey, sequence);
      const own = { sequence: String(sequence), publication: topic, finality };
      const bytes = bytesOf({ orderingKey, body, attributes: { ...attributes, ...own } });
      return [eventId, { bytes }];
    }),
  );
}

function bytesOf({ orderingKey, body, attributes }: Omit<Arrival, "messageId">): string {
  const sorted = Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([orderingKey, body, sorted]);
}
