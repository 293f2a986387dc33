import { createHash } from "node:crypto";
import { sql } from "kysely";
import type { FrozenDatabase } from "../../db/frozen-database.ts";
import type { EscrowEvent } from "../../src/events/escrow-event.ts";
import { encodeMessage } from "../../src/outbox/encode-message.ts";
import type { StoredRow } from "./event-pages.ts";
import type { Findings } from "./findings.ts";

/**
 * Compares an event's outbox row with the message that the event is encoded as.
 *
 * @returns what differs, in words; null when nothing does
 */
export function outboxProblem(row: StoredRow, event: EscrowEvent): string | null {
  if (row.outbox_event_id === null) return "there is no outbox row at its position";
  if (row.outbox_event_id !== event.id)
    return `the outbox row at its position is of ${row.outbox_event_id}`;
  const message = encodeMessage(event);
  const wanted = {
    "ordering key": [row.outbox_key, message.orderingKey],
    "block number": [Number(row.outbox_block_number), event.blockNumber],
    "block hash": [row.outbox_block_hash, event.blockHash],
    body: [row.outbox_body, sha256(message.body)],
    attributes: [row.outbox_attributes, sha256(JSON.stringify(message.attributes))],
  };
  const wrong = Object.entries(wanted).filter(([, [stored, encoded]]) => stored !== encoded);
  return wrong.length === 0
    ? null
    : `its outbox row has another ${wrong.map(([name]) => name).join(", ")} than its message`;
}

/** Finds outbox rows that belong to no event: messages of something that was never stored. */
export async function checkOutboxOrphans(
  database: FrozenDatabase,
  schema: string,
  findings: Findings,
): Promise<void> {
  const rows = await database.read(
    sql<{ event_id: string; position: string; total: string }>`
      select o.event_id, o.position, count(*) over () as total
      from ${sql.id(schema, "outbox")} o
      left join ${sql.id(schema, "event")} e
        on e.chain_id = o.chain_id and e.id = o.event_id and e.position = o.position
      where e.id is null
      order by o.chain_id, o.position
      limit ${findings.limit}`,
  );
  for (const { event_id, position } of rows)
    findings.add("outbox-orphan", event_id, `its outbox row at ${position} has no event`);
  findings.countOnly("outbox-orphan", Number(rows[0]?.total ?? 0) - rows.length);
}

function sha256(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}
