import type { settlementMinute } from "../../ponder.schema.ts";
import { justCreated, justEnded, type Transition } from "./transition.ts";

export type SettlementMinuteRow = typeof settlementMinute.$inferSelect;

const WINDOW_SECONDS = 60n;

/** First second of the one-minute window that a transition counts in; null when it counts nowhere. */
export function minuteTouched(transition: Transition): bigint | null {
  if (justCreated(transition) === null && justEnded(transition) === null) return null;
  const { blockTimestamp } = transition.event;
  return blockTimestamp - (blockTimestamp % WINDOW_SECONDS);
}

/** The settlement-minute projection: adds an escrow that began or ended to its window. */
export function evolveSettlementMinute(
  row: SettlementMinuteRow | null,
  transition: Transition,
  minute: bigint,
): SettlementMinuteRow {
  const totals = { ...(row ?? emptyMinute(transition.event.chainId, minute)) };
  const created = justCreated(transition);
  const ended = justEnded(transition);
  if (created) add(totals, "deployed", created.amount);
  if (ended) add(totals, ended.status === "released" ? "released" : "refunded", ended.amount);
  return totals;
}

function add(
  totals: SettlementMinuteRow,
  what: "deployed" | "released" | "refunded",
  amountWei: bigint,
): void {
  totals[`${what}Count`] += 1;
  totals[`${what}Amount`] += amountWei;
}

function emptyMinute(chainId: number, minute: bigint): SettlementMinuteRow {
  return {
    chainId,
    minute,
    deployedCount: 0,
    deployedAmount: 0n,
    releasedCount: 0,
    releasedAmount: 0n,
    refundedCount: 0,
    refundedAmount: 0n,
  };
}
