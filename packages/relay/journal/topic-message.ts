import type { Receipt } from "../doubt/receipts.ts";

/** A message as it was read back from the topic, with what the journal keeps of it. */
export type TopicMessage = {
  orderingKey: string;
  sequence: number;
  kind: "event" | "retraction";
  eventId: string;
  incarnation: number;
  chainId: string;
  blockNumber: string;
  blockHash: string;
  /** Right up to the block: the outbox alone knows the rest. */
  position: string;
  body: string;
  attributes: Record<string, string>;
  publishedAtMs: number;
};

/** The topic holds what cannot be brought in line with the journal: needs operator action. */
export class TopicContradiction extends Error {
  override name = "TopicContradiction";
}

const RETRACTION_ID = /^retraction-(\d+)-/;
const LOG_TYPE = 5;

/**
 * A receipt as a row of the journal.
 *
 * @returns null for what is not the relay's: a barrier, or somebody else's message
 * @throws TopicContradiction when its body does not say where the event was
 */
export function toTopicMessage(receipt: Receipt, topic: string): TopicMessage | null {
  const { orderingKey, sequence, attributes, data, publishedAtMs } = receipt;
  const { event_id: id, retracts, publication } = attributes;
  if (sequence === null || id === undefined || publication !== topic) return null;
  const body = Buffer.from(data).toString("utf8");
  const incarnation = Number(
    retracts === undefined ? (attributes.incarnation ?? 1) : (RETRACTION_ID.exec(id)?.[1] ?? 1),
  );
  const suffix = `#${incarnation}`;
  return {
    orderingKey,
    sequence,
    kind: retracts === undefined ? "event" : "retraction",
    eventId:
      retracts ?? (incarnation > 1 && id.endsWith(suffix) ? id.slice(0, -suffix.length) : id),
    incarnation,
    ...originOf(body, `${orderingKey} #${sequence} (${id})`),
    body,
    attributes,
    publishedAtMs,
  };
}

type Origin = Pick<TopicMessage, "chainId" | "blockNumber" | "blockHash" | "position">;

function originOf(body: string, name: string): Origin {
  const fields = parse(body);
  const chainId = digits(fields.chain_id, 16);
  const blockNumber = digits(fields.block_number, 16);
  const timestamp = digits(fields.block_timestamp, 10);
  const logIndex = digits(fields.log_index, 16);
  if (!chainId || !blockNumber || !timestamp || !logIndex || typeof fields.block_hash !== "string")
    throw new TopicContradiction(
      `message ${name} on the topic is not in the journal, and its body does not say which block it is of`,
    );
  return {
    chainId: String(fields.chain_id),
    blockNumber: String(fields.block_number),
    blockHash: fields.block_hash,
    // ponder 0.17, `src/utils/checkpoint.ts`; the transaction's index is not in the message.
    position: `${timestamp}${chainId}${blockNumber}${"0".repeat(16)}${LOG_TYPE}${logIndex}`,
  };
}

function parse(body: string): Record<string, unknown> {
  try {
    const fields: unknown = JSON.parse(body);
    return typeof fields === "object" && fields !== null ? { ...fields } : {};
  } catch {
    return {};
  }
}

function digits(value: unknown, width: number): string | null {
  const text = String(value);
  return /^\d+$/.test(text) && text.length <= width ? text.padStart(width, "0") : null;
}
