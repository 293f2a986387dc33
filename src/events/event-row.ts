import type { StoredEvent } from "./upcast.ts";

type Whole = number | string;

/** A row of `event` as SQL names it and the driver hands it out, and as an export holds it. */
export type EventRow = {
  chain_id: Whole;
  id: string;
  position: string;
  stream: string;
  stream_version: number;
  type: string;
  schema_version: number;
  revision: string;
  emitter: string;
  block_number: Whole;
  block_hash: string;
  /** Unix seconds. */
  block_timestamp: Whole;
  transaction_hash: string;
  log_index: number;
  payload: unknown;
  /** Absent in what was stored or exported before there was any. */
  observed_arbiter?: string | null | undefined;
  anomaly: string | null;
};

/** The row under the schema's own names and types, as `upcast` takes it. */
export function toStoredEvent(row: EventRow): StoredEvent {
  return {
    chainId: Number(row.chain_id),
    id: row.id,
    position: row.position,
    stream: row.stream as StoredEvent["stream"],
    streamVersion: row.stream_version,
    type: row.type,
    schemaVersion: row.schema_version,
    revision: row.revision,
    emitter: row.emitter as StoredEvent["emitter"],
    blockNumber: Number(row.block_number),
    blockHash: row.block_hash as StoredEvent["blockHash"],
    blockTimestamp: BigInt(row.block_timestamp),
    transactionHash: row.transaction_hash as StoredEvent["transactionHash"],
    logIndex: row.log_index,
    payload: row.payload,
    observedArbiter: (row.observed_arbiter ?? null) as StoredEvent["observedArbiter"],
    anomaly: row.anomaly,
  };
}
