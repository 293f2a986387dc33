import type { outbox } from "../../ponder.schema.ts";
import type { EscrowEvent } from "../events/escrow-event.ts";
import { encodeMessage } from "./encode-message.ts";

export type OutboxRow = typeof outbox.$inferSelect;

/** The row of the outbox that an event's message waits in. */
export function outboxRow(event: EscrowEvent): OutboxRow {
  const { orderingKey, body, attributes } = encodeMessage(event);
  return {
    chainId: event.chainId,
    position: event.position,
    eventId: event.id,
    blockNumber: event.blockNumber,
    blockHash: event.blockHash,
    orderingKey,
    body,
    attributes: JSON.stringify(attributes),
  };
}
