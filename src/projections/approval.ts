import type { approval } from "../../ponder.schema.ts";
import { justApproved, type Transition } from "./transition.ts";

export type ApprovalRow = typeof approval.$inferSelect;

/** The approval projection: a row for every approval that counted, none for a repeated one. */
export function approvalOf(transition: Transition): ApprovalRow | null {
  const { event, after } = transition;
  if (event.type !== "Approved" || !justApproved(transition)) return null;
  return {
    chainId: event.chainId,
    escrow: event.stream,
    approver: event.payload.approver,
    ordinal: after.approvalsGiven,
    approvedAt: event.blockTimestamp,
    blockNumber: event.blockNumber,
    transactionHash: event.transactionHash,
    logIndex: event.logIndex,
    eventId: event.id,
  };
}
