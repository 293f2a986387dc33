import type { settlement } from "../../ponder.schema.ts";
import { justEnded, type Transition } from "./transition.ts";

export type SettlementRow = typeof settlement.$inferSelect;

/** The settlement projection: a row for every escrow that ended, with what was really paid. */
export function settlementOf(transition: Transition): SettlementRow | null {
  const { event } = transition;
  const escrow = justEnded(transition);
  if (escrow === null) return null;
  if (event.type !== "EscrowReleased" && event.type !== "EscrowRefunded") return null;
  return {
    chainId: event.chainId,
    escrow: event.stream,
    outcome: event.type === "EscrowReleased" ? "released" : "refunded",
    amount: BigInt(event.payload.amount),
    beneficiary: event.type === "EscrowReleased" ? event.payload.payee : event.payload.payer,
    payer: escrow.payer,
    payee: escrow.payee,
    createdAt: escrow.createdAt,
    settledAt: event.blockTimestamp,
    secondsToSettle: event.blockTimestamp - escrow.createdAt,
    blockNumber: event.blockNumber,
    transactionHash: event.transactionHash,
    eventId: event.id,
  };
}
