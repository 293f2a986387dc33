import type { EscrowEvent } from "../events/escrow-event.ts";
import { type BODY_ORIGIN, fieldsOf } from "../events/event-catalogue.ts";

/** What the relay needs to publish an event, whatever the publication. */
export type OutboxMessage = {
  /** Pub/Sub ordering key: a stuck deal blocks only itself. */
  orderingKey: string;
  /** UTF-8 JSON, keys in a fixed order: the same event gives the same bytes, always. */
  body: string;
  attributes: Record<string, string>;
};

/**
 * Encodes an event as a message: flat JSON with the origin first and the event's own fields after
 * it. Integers that may exceed 2^53 are decimal strings. The attributes carry CloudEvents 1.0 in
 * its Pub/Sub binding (https://github.com/google/knative-gcp/blob/main/docs/spec/pubsub-protocol-binding.md).
 * Sequence, publication and finality are the relay's to add.
 */
export function encodeMessage(event: EscrowEvent): OutboxMessage {
  const origin: Record<keyof typeof BODY_ORIGIN, string | number> = {
    chain_id: event.chainId,
    contract_address: event.emitter,
    escrow_address: event.stream,
    block_number: event.blockNumber,
    block_hash: event.blockHash,
    block_timestamp: Number(event.blockTimestamp),
    transaction_hash: event.transactionHash,
    log_index: event.logIndex,
  };
  const body = {
    event_id: event.id,
    event_type: event.type,
    schema_version: event.schemaVersion,
    ...origin,
    ...inOrder(event),
  };
  return {
    orderingKey: `${event.chainId}:${event.stream}`,
    body: JSON.stringify(body),
    attributes: {
      event_id: event.id,
      event_type: event.type,
      chain_id: String(event.chainId),
      escrow_address: event.stream,
      "ce-specversion": "1.0",
      "ce-id": event.id,
      "ce-source": `/chains/${event.chainId}/contracts/${event.emitter}`,
      "ce-type": `escrow.${event.type}.v${event.schemaVersion}`,
      "ce-subject": event.stream,
      "ce-time": new Date(Number(event.blockTimestamp) * 1000).toISOString(),
    },
  };
}

/**
 * The payload with its keys in the message's order; what it does not hold stays absent. A payload
 * that was read back from the event store has lost the order: jsonb sorts its keys.
 */
function inOrder({ type, payload }: EscrowEvent): Record<string, unknown> {
  const values: Record<string, unknown> = payload;
  const ordered: Record<string, unknown> = {};
  for (const [field] of fieldsOf(type)) ordered[field] = values[field];
  return ordered;
}
