import type { EscrowEvent } from "../events/escrow-event.ts";
import { type EscrowState, evolveEscrow, hasEnded } from "./escrow.ts";

/**
 * One event with the escrow before and after it. Every other read model is folded from these, so
 * that only the escrow projection knows the contract's rules.
 */
export type Transition = {
  event: EscrowEvent;
  before: EscrowState | null;
  after: EscrowState;
  anomaly: string | null;
};

/** Folds an event into its escrow; null before the escrow's first event. */
export function transitionOf(before: EscrowState | null, event: EscrowEvent): Transition {
  return { event, before, ...evolveEscrow(before, event) };
}

/** An escrow whose terms are known: its parties and its amount. */
export type KnownEscrow = EscrowState & {
  payer: NonNullable<EscrowState["payer"]>;
  payee: NonNullable<EscrowState["payee"]>;
  amount: bigint;
  createdAt: bigint;
};

/** The escrow, if its creation was seen. */
export function known(state: EscrowState | null): KnownEscrow | null {
  return state !== null && state.createdAt !== null ? (state as KnownEscrow) : null;
}

/** The escrow, if it was just created. */
export function justCreated({ before, after }: Transition): KnownEscrow | null {
  return known(before) === null ? known(after) : null;
}

/** The escrow, if it was just released or refunded. */
export function justEnded({ before, after }: Transition): KnownEscrow | null {
  return before !== null && !hasEnded(before) && hasEnded(after) ? known(after) : null;
}

/** Whether an approval was just counted. */
export function justApproved({ before, after }: Transition): boolean {
  return after.approvalsGiven > (before?.approvalsGiven ?? 0);
}
