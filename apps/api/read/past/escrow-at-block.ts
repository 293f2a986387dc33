import { sql } from "kysely";
import { toStoredEvent } from "../../../../src/events/event-row.ts";
import { EscrowFold } from "../../../../src/projections/escrow-fold.ts";
import { Problem } from "../../problem.ts";
import type { Snapshot } from "../consistent-reads.ts";
import type { ApprovalRow, EscrowRow, EventRow } from "../views.ts";
import { type AsOf, checkBlock } from "./check-block.ts";
import { eventsOf } from "./events-of.ts";
import { toRow } from "./to-row.ts";

/** So many events of an escrow are answered, the last ones: an arbiter may change without end. */
const EVENTS_SHOWN = 1_000;

export type EscrowAtBlock = {
  asOf: AsOf;
  escrow: EscrowRow;
  approvals: ApprovalRow[];
  /** The last ones, in order. */
  events: EventRow[];
};

/**
 * An escrow as it stood when a block had been indexed, folded from its events up to there.
 *
 * @throws Problem: 400 for a block above the indexed head; 404 for an escrow that is not known, or
 *   was not yet created then
 */
export async function escrowAtBlock(
  { db, progress }: Snapshot,
  chainId: number,
  address: string,
  block: number,
): Promise<EscrowAtBlock> {
  const asOf = checkBlock(progress, chainId, block);
  const fold = new EscrowFold();
  let events: EventRow[] = [];
  let nextBlock: number | null = null;
  const query = sql`select * from escrow.event where chain_id = ${chainId} and stream = ${address}
    order by stream_version`;
  for await (const row of eventsOf(db, query)) {
    if (row.block_number > block) {
      nextBlock = row.block_number;
      break;
    }
    fold.add(toStoredEvent(row));
    events.push(row);
    if (events.length === 2 * EVENTS_SHOWN) events = events.slice(-EVENTS_SHOWN);
  }
  if (fold.state === null)
    throw new Problem(
      "ES-NOT-FOUND",
      nextBlock === null
        ? `no escrow ${address} is known on chain ${chainId}`
        : `escrow ${address} of chain ${chainId} did not exist at block ${block}: its first event is in block ${nextBlock}`,
    );
  return {
    asOf,
    escrow: toRow(fold.state),
    approvals: fold.approvals.map(toRow),
    events: events.slice(-EVENTS_SHOWN),
  };
}
