import type { EscrowEvent, Hex, Payloads } from "./escrow-event.ts";
import { EVENT_CATALOGUE, type EventType, type Revision } from "./event-catalogue.ts";
import { eventId } from "./event-id.ts";
import { lower } from "./lower.ts";
import { streamOf } from "./stream-of.ts";

/** What the engine hands to a handler, as far as an event is made of it. */
export type EngineEvent = {
  id: string;
  log: { address: Hex; logIndex: number };
  block: { number: bigint; hash: Hex; timestamp: bigint };
  transaction: { hash: Hex };
};

/**
 * Makes the event store's form of a log.
 *
 * @param observedArbiter what the contract said, where the event does not
 */
export function toEscrowEvent<T extends EventType>(
  type: T,
  revision: Revision,
  chainId: number,
  source: EngineEvent,
  payload: Payloads[T],
  observedArbiter: Hex | null = null,
): EscrowEvent {
  const emitter = lower(source.log.address);
  return {
    chainId,
    id: eventId(chainId, source.block.hash, source.log.logIndex),
    position: source.id,
    stream: streamOf(type, emitter, payload),
    type,
    schemaVersion: EVENT_CATALOGUE[type].revisions[revision].schemaVersion,
    revision,
    emitter,
    blockNumber: Number(source.block.number),
    blockHash: lower(source.block.hash),
    blockTimestamp: source.block.timestamp,
    transactionHash: lower(source.transaction.hash),
    logIndex: source.log.logIndex,
    payload,
    observedArbiter: observedArbiter === null ? null : lower(observedArbiter),
    // The compiler does not see that type and payload belong together; the signature does.
  } as EscrowEvent;
}
