import { sql } from "kysely";
import type { FrozenDatabase } from "../../db/frozen-database.ts";
import type { Hex } from "../../src/events/escrow-event.ts";
import { type EventRow, toStoredEvent } from "../../src/events/event-row.ts";
import type { StoredEvent } from "../../src/events/upcast.ts";
import type { ApprovalRow } from "../../src/projections/approval.ts";
import type { EscrowState } from "../../src/projections/escrow.ts";
import { EscrowFold } from "../../src/projections/escrow-fold.ts";

const PAGE_ROWS = 1_000;

export type EscrowHistory = {
  /** Null when the escrow had no event yet. */
  state: EscrowState | null;
  approvals: ApprovalRow[];
  events: StoredEvent[];
  /** The block of the first event above the one asked for, if there is any. */
  nextBlock: number | null;
};

/**
 * Folds an escrow from its events up to a block.
 *
 * @throws UnreadableEvent for a row that this build cannot read, or a hole in the stream
 */
export async function readEscrowState(
  database: FrozenDatabase,
  schema: string,
  chainId: number,
  address: Hex,
  block: number,
): Promise<EscrowHistory> {
  const fold = new EscrowFold();
  const events: StoredEvent[] = [];
  for (;;) {
    const rows = await database.read(
      sql<EventRow>`
        select * from ${sql.id(schema, "event")}
        where chain_id = ${chainId} and stream = ${address}
          and stream_version > ${events.at(-1)?.streamVersion ?? 0}
        order by stream_version limit ${PAGE_ROWS}`,
    );
    for (const row of rows.map(toStoredEvent)) {
      if (row.blockNumber > block) return historyOf(row.blockNumber);
      fold.add(row);
      events.push(row);
    }
    if (rows.length < PAGE_ROWS) return historyOf(null);
  }

  function historyOf(nextBlock: number | null): EscrowHistory {
    return { state: fold.state, approvals: fold.approvals, events, nextBlock };
  }
}
