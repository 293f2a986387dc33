import type { Queryable } from "../../db/queryable.ts";
import { endOfBlock, formatCheckpoint } from "../../engine/checkpoint.ts";
import { EVENT_TYPES } from "../../src/events/event-catalogue.ts";
import type { EventRow } from "../../src/events/event-row.ts";
import type { Piece } from "./witness-records.ts";

/** A row of the event store, and of the outbox what stands at its position. */
export type StoredRow = EventRow & {
  outbox_event_id: string | null;
  outbox_key: string | null;
  outbox_body: string | null;
  outbox_attributes: string | null;
};

/** What an event store and its outbox have of a range of blocks. */
export type StoredRange = {
  rows: StoredRow[];
  /** Outbox rows at positions in the range that belong to no event there. */
  orphans: { eventId: string; block: number }[];
  /** There may be more rows than were read. */
  isCut: boolean;
};

export type StoredPlace = {
  deployment: string;
  chainId: number;
  piece: Pick<Piece, "from" | "to" | "firstTime" | "lastTime">;
  /** Whether it is the first piece of all: what lies before it belongs to nobody. */
  isFirst: boolean;
};

const COLUMNS = `e.chain_id, e.id, e.position, e.stream, e.stream_version, e.type, e.schema_version,
  e.revision, e.emitter, e.block_number, e.block_hash, e.block_timestamp, e.transaction_hash,
  e.log_index, e.payload, e.anomaly`;

/**
 * Reads the events of a range by two indexes: what stands there by its position in the order of the
 * chain, and what says that it is of one of these blocks. A right event is found by both.
 *
 * @param limit rows to read at the most, of events and of orphans
 */
export async function readStoredRange(
  db: Queryable,
  place: StoredPlace,
  limit: number,
): Promise<StoredRange> {
  const { deployment, chainId, piece, isFirst } = place;
  const from = isFirst ? 0 : piece.from;
  const positions = [
    isFirst ? "" : startOf(chainId, piece.from, piece.firstTime),
    endOfBlock({ timestamp: piece.lastTime, chainId, blockNumber: piece.to }),
  ];
  const { rows } = await db.query<StoredRow>(
    `select ${COLUMNS}, o.event_id as outbox_event_id, o.ordering_key as outbox_key,
            o.body as outbox_body, o.attributes as outbox_attributes
     from "${deployment}".event e
     left join "${deployment}".outbox o on o.chain_id = e.chain_id and o.position = e.position
     where e.chain_id = $1
       and (e.position between $2 and $3
            or (e.type = any($4) and e.block_number between $5 and $6))
     order by e.block_number, e.log_index, e.id collate "C" limit ${limit}`,
    [chainId, ...positions, EVENT_TYPES, from, piece.to],
  );
  const orphans = await db.query(
    `select o.event_id, o.block_number from "${deployment}".outbox o
     where o.chain_id = $1 and o.position between $2 and $3
       and not exists (select from "${deployment}".event e
                       where e.chain_id = o.chain_id and e.id = o.event_id
                         and e.position = o.position)
     order by o.position limit ${limit}`,
    [chainId, ...positions],
  );
  return {
    rows,
    isCut: rows.length >= limit,
    orphans: orphans.rows.map((row) => ({
      eventId: row.event_id,
      block: Number(row.block_number),
    })),
  };
}

function startOf(chainId: number, block: number, timestamp: bigint): string {
  return formatCheckpoint({
    ...{ timestamp, chainId: BigInt(chainId), blockNumber: BigInt(block) },
    ...{ transactionIndex: 0n, eventType: 0n, eventIndex: 0n },
  });
}
