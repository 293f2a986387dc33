import { sql } from "ponder";
import type { Hex } from "../events/escrow-event.ts";
import type { StoredEvent } from "../events/upcast.ts";
import type { ApprovalRow } from "../projections/approval.ts";
import type { EscrowState } from "../projections/escrow.ts";
import { EscrowFold } from "../projections/escrow-fold.ts";
import { type AsOf, checkAsOfBlock } from "./as-of-block.ts";
import { notFound } from "./request-error.ts";
import { eventsOf, inSnapshot } from "./snapshot.ts";

/** So many events of an escrow are answered, the last ones: an arbiter may change without end. */
const EVENTS_SHOWN = 1_000;

export type EscrowAtBlock = {
  asOf: AsOf;
  state: EscrowState;
  approvals: ApprovalRow[];
  events: StoredEvent[];
};

/**
 * An escrow as it stood when a block had been indexed, folded from its events up to there.
 *
 * @throws 400 for a block above the indexed head; 404 for an escrow that is not known, or was not
 *   yet created then
 */
export function readEscrowAtBlock(
  chainId: number,
  address: Hex,
  block: number,
): Promise<EscrowAtBlock> {
  return inSnapshot(async (snapshot) => {
    const asOf = await checkAsOfBlock(snapshot, chainId, block);
    const fold = new EscrowFold();
    let events: StoredEvent[] = [];
    let nextBlock: number | null = null;
    const rows = eventsOf(
      snapshot,
      sql`select * from event where chain_id = ${chainId} and stream = ${address}
          order by stream_version`,
    );
    for await (const row of rows) {
      if (row.blockNumber > block) {
        nextBlock = row.blockNumber;
        break;
      }
      fold.add(row);
      events.push(row);
      if (events.length === 2 * EVENTS_SHOWN) events = events.slice(-EVENTS_SHOWN);
    }
    const { state, approvals } = fold;
    if (state === null)
      throw notFound(
        nextBlock === null
          ? `no escrow ${address} is known on chain ${chainId}`
          : `escrow ${address} of chain ${chainId} did not exist at block ${block}: its first event is in block ${nextBlock}`,
      );
    return { asOf, state, approvals, events: events.slice(-EVENTS_SHOWN) };
  });
}
