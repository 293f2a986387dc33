import type { EscrowEvent, EventType, Hex, Payloads } from "./escrow-event.ts";
import { eventId } from "./event-id.ts";
import { writtenVersion } from "./schema-version.ts";

/** What the engine hands to a handler, as far as an event is made of it. */
export type EngineEvent = {
  id: string;
  log: { address: Hex; logIndex: number };
  block: { number: bigint; hash: Hex; timestamp: bigint };
  transaction: { hash: Hex };
};

/**
 * Makes the event store's form of a decoded log.
 *
 * @param escrow the stream: the escrow the event is about, also when the factory logged it
 * @param payload the event's own fields
 */
export function toEscrowEvent<T extends EventType>(
  type: T,
  revision: "A" | "B",
  chainId: number,
  source: EngineEvent,
  escrow: Hex,
  payload: Payloads[T],
): EscrowEvent {
  return {
    chainId,
    id: eventId(chainId, source.block.hash, source.log.logIndex),
    position: source.id,
    stream: lower(escrow),
    type,
    schemaVersion: writtenVersion(type, revision),
    revision,
    emitter: lower(source.log.address),
    blockNumber: Number(source.block.number),
    blockHash: lower(source.block.hash),
    blockTimestamp: source.block.timestamp,
    transactionHash: lower(source.transaction.hash),
    logIndex: source.log.logIndex,
    payload,
    // The compiler does not see that type and payload belong together; the signature does.
  } as EscrowEvent;
}

/** The one spelling of an address here. ABI decoding gives the checksummed one. */
export function lower(hex: Hex): Hex {
  return hex.toLowerCase() as Hex;
}
