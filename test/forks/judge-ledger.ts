import type pg from "pg";
import type { EscrowEvent } from "../../src/events/escrow-event.ts";
import { projectEvents } from "../support/project-events.ts";
import { differingRows } from "./differing-rows.ts";
import { LEDGER_SCHEMA } from "./fork-ledger.ts";

/**
 * Compares what the consumer's ledger holds of some escrows with what the read models' folds make
 * of the canonical events.
 */
export async function judgeLedger(
  pool: pg.Pool,
  events: EscrowEvent[],
  escrows: string[],
): Promise<string[]> {
  // Messages do not say what was observed beside their events.
  const models = projectEvents(events.map((event) => ({ ...event, observedArbiter: null })));
  const accounts = [...models.escrows.values()].map((escrow) => ({
    chainId: escrow.chainId,
    escrow: escrow.address,
    status: escrow.status,
    factory: escrow.factory,
    payer: escrow.payer,
    payee: escrow.payee,
    arbiter: escrow.arbiter,
    amount: escrow.amount,
    releaseTime: escrow.releaseTime,
    approvalsRequired: escrow.approvalsRequired,
    approvers: escrow.approvers,
    events: escrow.version,
  }));
  const entries = [...models.settlements.values()].map((settlement) => ({
    chainId: settlement.chainId,
    escrow: settlement.escrow,
    kind: settlement.outcome,
    amount: settlement.amount,
    beneficiary: settlement.beneficiary,
    eventId: settlement.eventId,
  }));
  const keptAccounts = await pool.query(
    `select chain_id, escrow, status, factory, payer, payee, arbiter, amount, release_time,
            approvals_required, approvers, events
     from ${LEDGER_SCHEMA}.escrow_ledger where escrow = any ($1)`,
    [escrows],
  );
  const keptEntries = await pool.query(
    `select chain_id, escrow, kind, amount, beneficiary, event_id
     from ${LEDGER_SCHEMA}.ledger_entry where escrow = any ($1)`,
    [escrows],
  );
  return [
    ...differingRows("ledger account", ["chain_id", "escrow"], accounts, keptAccounts.rows),
    ...differingRows("ledger entry", ["chain_id", "escrow"], entries, keptEntries.rows),
  ];
}
