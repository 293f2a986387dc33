import type { Hex } from "../src/events/escrow-event.ts";
import { type EventRow, toStoredEvent } from "../src/events/event-row.ts";
import type { StoredEvent } from "../src/events/upcast.ts";
import type { ApprovalRow } from "../src/projections/approval.ts";
import type { EscrowState } from "../src/projections/escrow.ts";
import { EscrowFold } from "../src/projections/escrow-fold.ts";
import type { Snapshot } from "./open-snapshot.ts";

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
  snapshot: Snapshot,
  schema: string,
  chainId: number,
  address: Hex,
  block: number,
): Promise<EscrowHistory> {
  const fold = new EscrowFold();
  const events: StoredEvent[] = [];
  let nextBlock: number | null = null;
  const rows = snapshot.stream<EventRow>(
    `select * from "${schema}".event where chain_id = $1 and stream = $2 order by stream_version`,
    [chainId, address],
  );
  for await (const row of rows) {
    const stored = toStoredEvent(row);
    if (stored.blockNumber > block) {
      nextBlock = stored.blockNumber;
      break;
    }
    fold.add(stored);
    events.push(stored);
  }
  return { state: fold.state, approvals: fold.approvals, events, nextBlock };
}
