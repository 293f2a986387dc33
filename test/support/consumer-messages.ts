import type { PubsubMessage } from "@escrow-stream/consumer";

type Parts = {
  key?: string;
  sequence: number;
  eventId?: string;
  messageId?: string;
  eventType?: string;
  publication?: string;
  fields?: Record<string, unknown>;
  attributes?: Record<string, string>;
};

/** A message as the relay publishes it. */
export function eventMessage(parts: Parts): PubsubMessage {
  const { key = "1:0xa", sequence, publication = "chain.events.v1", fields, attributes } = parts;
  const [chainId = "1", escrow = "0xa"] = key.split(":");
  const { eventId = `${key}-${sequence}`, messageId = eventId, eventType = "Approved" } = parts;
  const body = {
    event_id: eventId,
    event_type: eventType,
    schema_version: 1,
    chain_id: Number(chainId),
    contract_address: escrow,
    escrow_address: escrow,
    block_number: sequence,
    block_hash: "0xb",
    block_timestamp: 1_700_000_000 + sequence,
    transaction_hash: "0xt",
    log_index: 0,
    ...fields,
  };
  return {
    data: Buffer.from(JSON.stringify(body)),
    orderingKey: key,
    publishTime: new Date(1_700_000_000_000),
    attributes: {
      event_id: messageId,
      event_type: eventType,
      chain_id: chainId,
      escrow_address: escrow,
      sequence: String(sequence),
      publication,
      finality: "provisional",
      ...attributes,
    },
  };
}

/** A message that retracts a fact. */
export function retractionMessage(
  parts: Parts & { retracts: string; incarnation?: number },
): PubsubMessage {
  const { retracts, incarnation = 1 } = parts;
  return eventMessage({
    ...parts,
    eventId: `retraction-${incarnation}-${retracts}`,
    eventType: "EventRetracted",
    fields: { retracts },
    attributes: { retracts },
  });
}

export function barrierMessage(key = "1:0xa"): PubsubMessage {
  return { data: Buffer.of(), orderingKey: key, attributes: { relay_barrier: "b1" } };
}
