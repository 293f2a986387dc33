import { createHash } from "node:crypto";
import type { EscrowEvent } from "../../src/events/escrow-event.ts";
import { canonicalJson } from "./canonical-json.ts";

/** Events counted and hashed in their order; it can be written down and gone on with. */
export type HistoryHash = { events: number; sha256: string };

export const EMPTY_HISTORY: HistoryHash = { events: 0, sha256: "0".repeat(64) };

/** What is hashed of an event: all that the chain says of it, its payload in the newest version. */
export type HashedEvent = Omit<EscrowEvent, "schemaVersion" | "payload" | "type" | "revision"> & {
  type: string;
  revision: string;
  payload: unknown;
};

/**
 * Adds an event to the history: the SHA-256 of the hash before it and the event's canonical line.
 * Events come in the order of block, log index, id.
 */
export function addToHistory({ events, sha256 }: HistoryHash, event: HashedEvent): HistoryHash {
  const hash = createHash("sha256").update(sha256, "hex").update(canonicalLine(event));
  return { events: events + 1, sha256: hash.digest("hex") };
}

function canonicalLine(event: HashedEvent): string {
  return canonicalJson([
    event.chainId,
    event.id,
    event.position,
    event.stream,
    event.type,
    event.revision,
    event.emitter,
    event.blockNumber,
    event.blockHash,
    String(event.blockTimestamp),
    event.transactionHash,
    event.logIndex,
    event.payload,
  ]);
}
