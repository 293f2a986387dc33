import type { chainStat } from "../../ponder.schema.ts";
import { justApproved, justCreated, justEnded, type Transition } from "./transition.ts";

export type ChainStatRow = typeof chainStat.$inferSelect;

/** The chain-stat projection: totals of everything that happened on a chain. */
export function evolveChainStat(row: ChainStatRow | null, transition: Transition): ChainStatRow {
  const { event, anomaly } = transition;
  const totals = { ...(row ?? emptyStat(event.chainId)) };
  const created = justCreated(transition);
  const ended = justEnded(transition);
  totals.events += 1;
  totals.anomalies += anomaly === null ? 0 : 1;
  totals.approvals += justApproved(transition) ? 1 : 0;
  totals.lastEventBlock = event.blockNumber;
  totals.lastEventAt = event.blockTimestamp;
  if (created) {
    totals.escrows += 1;
    totals.openAmount += created.amount;
  }
  if (ended) {
    const outcome = ended.status === "released" ? "released" : "refunded";
    totals.openAmount -= ended.amount;
    totals[outcome] += 1;
    totals[`${outcome}Amount`] += ended.amount;
  }
  return totals;
}

function emptyStat(chainId: number): ChainStatRow {
  return {
    chainId,
    events: 0,
    escrows: 0,
    approvals: 0,
    released: 0,
    refunded: 0,
    anomalies: 0,
    openAmount: 0n,
    releasedAmount: 0n,
    refundedAmount: 0n,
    lastEventBlock: 0,
    lastEventAt: 0n,
  };
}
