import type { EscrowEvent } from "../../src/events/escrow-event.ts";
import { type EventRow, toStoredEvent } from "../../src/events/event-row.ts";
import { UnreadableEvent, upcast } from "../../src/events/upcast.ts";
import { canonicalJson } from "./canonical-json.ts";
import type { HashedEvent } from "./history-hash.ts";

/** A stored event in the form of the chain's side. */
export type StoredSide = {
  event: HashedEvent;
  /** Why this build cannot read it. */
  unreadable: string | null;
};

/** Lifts a row to the newest version; one that cannot be lifted stays as it is. */
export function readStored(row: EventRow): StoredSide {
  const stored = toStoredEvent(row);
  try {
    return { event: upcast(stored), unreadable: null };
  } catch (error) {
    if (!(error instanceof UnreadableEvent)) throw error;
    return { event: stored, unreadable: error.message };
  }
}

/** The chain's event with its payload in the newest version, as it is compared and hashed. */
export function newest(event: EscrowEvent): EscrowEvent {
  return upcast({ ...event, streamVersion: 1, anomaly: null });
}

/**
 * What a stored event says otherwise than the chain.
 *
 * @param event of the chain, its payload in the newest version
 * @returns the differences in words; none when they are equal
 */
export function eventDifferences(event: EscrowEvent, { event: stored }: StoredSide): string[] {
  const pairs: [field: string, ofChain: unknown, ofStore: unknown][] = [
    ["position", event.position, stored.position],
    ["stream", event.stream, stored.stream],
    ["type", event.type, stored.type],
    ["revision", event.revision, stored.revision],
    ["emitter", event.emitter, stored.emitter],
    ["block number", event.blockNumber, stored.blockNumber],
    ["block hash", event.blockHash, stored.blockHash],
    ["block time", String(event.blockTimestamp), String(stored.blockTimestamp)],
    ["transaction", event.transactionHash, stored.transactionHash],
    ["log index", event.logIndex, stored.logIndex],
    ...payloadPairs(event.payload, stored.payload),
  ];
  return pairs
    .filter(([, ofChain, ofStore]) => inWords(ofChain) !== inWords(ofStore))
    .map(
      ([field, ofChain, ofStore]) =>
        `${field} is ${inWords(ofStore)}, the chain says ${inWords(ofChain)}`,
    );
}

function payloadPairs(ofChain: object, ofStore: unknown): [string, unknown, unknown][] {
  const isObject = typeof ofStore === "object" && ofStore !== null && !Array.isArray(ofStore);
  if (!isObject) return [["payload", ofChain, ofStore]];
  const [left, right] = [new Map(Object.entries(ofChain)), new Map(Object.entries(ofStore))];
  return [...new Set([...left.keys(), ...right.keys()])].map((name) => [
    `payload.${name}`,
    left.get(name),
    right.get(name),
  ]);
}

function inWords(value: unknown): string {
  return value === undefined ? "absent" : canonicalJson(value);
}
