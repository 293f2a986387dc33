import type { escrow } from "../../ponder.schema.ts";
import type { EscrowEvent, EscrowEventOf, Hex } from "../events/escrow-event.ts";

export type EscrowState = typeof escrow.$inferSelect;

/** A refund is open to the payer this long after the release time, in seconds. */
const REFUND_DELAY_SECONDS = 30n * 24n * 60n * 60n;

const ZERO_ADDRESS = "0x0000000000000000000000000000000000000000";

/**
 * What an event did to its escrow. `anomaly` says why the contract cannot have produced this
 * event here; `after` then keeps whatever of it still must be true (money that a contract says it
 * paid is gone, however odd the way there).
 */
export type EscrowStep = { after: EscrowState; anomaly: string | null };

/**
 * The escrow projection: folds one event into the escrow's state.
 *
 *   (nothing) ── EscrowCreated ──► created ── Approved ──► approved ── EscrowReleased ──► released
 *                                     │                        └────── EscrowRefunded ──► refunded
 *                                     └── EscrowReleased / EscrowRefunded as above
 *
 * `EscrowDeployed` comes after `EscrowCreated` (the constructor logs first) and adds the factory.
 * Any other first event starts the state `unknown`.
 *
 * Revision A does not log its first arbiter; it was observed at the end of the block of the creation.
 * An `ArbiterChanged` of that block has happened by then, so its log overrules what was observed.
 */
export function evolveEscrow(before: EscrowState | null, event: EscrowEvent): EscrowStep {
  const step = apply(before ?? nothingKnown(event), event);
  const after: EscrowState = {
    ...step.after,
    updatedAt: event.blockTimestamp,
    updatedBlock: event.blockNumber,
    version: (before?.version ?? 0) + 1,
    anomalies: (before?.anomalies ?? 0) + (step.anomaly === null ? 0 : 1),
  };
  return { after: { ...after, releasableFrom: releasableFrom(after) }, anomaly: step.anomaly };
}

/** True once the escrow was released or refunded. */
export function hasEnded(state: Pick<EscrowState, "status">): boolean {
  return state.status === "released" || state.status === "refunded";
}

/** Whether `release()` succeeds at the given time, in Unix seconds. */
export function isReleasable(state: Pick<EscrowState, "releasableFrom">, at: bigint): boolean {
  return state.releasableFrom !== null && at >= state.releasableFrom;
}

function apply(state: EscrowState, event: EscrowEvent): EscrowStep {
  switch (event.type) {
    case "EscrowCreated":
      return applyCreated(state, event);
    case "EscrowDeployed":
      return applyDeployed(state, event);
    case "Approved":
      return applyApproved(state, event);
    case "EscrowReleased":
      return applyReleased(state, event);
    case "EscrowRefunded":
      return applyRefunded(state, event);
    case "ArbiterChanged":
      return applyArbiterChanged(state, event);
  }
}

function applyCreated(state: EscrowState, event: EscrowEventOf<"EscrowCreated">): EscrowStep {
  if (state.createdAt !== null) return { after: state, anomaly: "escrow was created before" };
  const { payload } = event;
  const created = creation(state, event, BigInt(payload.release_time));
  return { after: created, anomaly: state.version === 0 ? null : "creation is not first" };
}

function applyDeployed(state: EscrowState, event: EscrowEventOf<"EscrowDeployed">): EscrowStep {
  if (state.createdAt === null) {
    // The money is there even so: build the state from what the factory says.
    const releaseTime = event.blockTimestamp + BigInt(event.payload.release_delay);
    const after = { ...creation(state, event, releaseTime), factory: event.emitter };
    return { after, anomaly: "EscrowDeployed without EscrowCreated before it" };
  }
  if (state.factory !== null) return { after: state, anomaly: "escrow was deployed before" };
  const { payer, payee, amount } = event.payload;
  const agrees =
    payer === state.payer && payee === state.payee && BigInt(amount) === (state.amount ?? -1n);
  return {
    after: { ...state, factory: event.emitter },
    anomaly: agrees ? null : "EscrowDeployed and EscrowCreated disagree on the parties or amount",
  };
}

function applyApproved(state: EscrowState, event: EscrowEventOf<"Approved">): EscrowStep {
  const { approver } = event.payload;
  if (hasEnded(state)) return { after: state, anomaly: `approved after it was ${state.status}` };
  if (state.approvers.includes(approver))
    return { after: state, anomaly: `approved twice by ${approver}` };
  const after: EscrowState = {
    ...state,
    approvers: [...state.approvers, approver],
    approvalsGiven: state.approvalsGiven + 1,
  };
  if (state.status === "unknown") return { after, anomaly: UNKNOWN_ESCROW };
  return { after: { ...after, status: "approved" }, anomaly: null };
}

function applyReleased(state: EscrowState, event: EscrowEventOf<"EscrowReleased">): EscrowStep {
  if (hasEnded(state)) return { after: state, anomaly: `released after it was ${state.status}` };
  if (state.status === "unknown") return { after: state, anomaly: UNKNOWN_ESCROW };
  const { payee, amount } = event.payload;
  const after = ended(state, event, "released");
  if (payee !== state.payee) return { after, anomaly: `released to ${payee}, not to the payee` };
  if (BigInt(amount) !== state.amount)
    return { after, anomaly: `released ${amount} wei of ${state.amount}` };
  if (state.approvalsGiven < (state.approvalsRequired ?? 0))
    return {
      after,
      anomaly: `released with ${state.approvalsGiven} of ${state.approvalsRequired} approvals`,
    };
  if (event.blockTimestamp < (state.releaseTime ?? 0n))
    return { after, anomaly: `released before its release time ${state.releaseTime}` };
  return { after, anomaly: null };
}

function applyRefunded(state: EscrowState, event: EscrowEventOf<"EscrowRefunded">): EscrowStep {
  if (hasEnded(state)) return { after: state, anomaly: `refunded after it was ${state.status}` };
  if (state.status === "unknown") return { after: state, anomaly: UNKNOWN_ESCROW };
  const { payer, amount } = event.payload;
  const after = ended(state, event, "refunded");
  if (payer !== state.payer) return { after, anomaly: `refunded to ${payer}, not to the payer` };
  if (BigInt(amount) !== state.amount)
    return { after, anomaly: `refunded ${amount} wei of ${state.amount}` };
  const openFrom = (state.releaseTime ?? 0n) + REFUND_DELAY_SECONDS;
  if (event.blockTimestamp < openFrom)
    return { after, anomaly: `refunded before ${openFrom}, 30 days after its release time` };
  return { after, anomaly: null };
}

function applyArbiterChanged(
  state: EscrowState,
  event: EscrowEventOf<"ArbiterChanged">,
): EscrowStep {
  const after = { ...state, arbiter: addressOrNull(event.payload.new_arbiter) };
  if (state.status === "unknown") return { after, anomaly: UNKNOWN_ESCROW };
  const old = addressOrNull(event.payload.old_arbiter);
  // There null may be "nobody asked", and what was observed may be of after this very change.
  const isOpen = state.arbiter === null || event.blockNumber === state.createdBlock;
  const isSurprising = state.arbiter !== old && !(state.revision === "A" && isOpen);
  return { after, anomaly: isSurprising ? `the arbiter was not ${old ?? "absent"}` : null };
}

const UNKNOWN_ESCROW = "event of an escrow whose creation was never seen";

function creation(
  state: EscrowState,
  event: EscrowEventOf<"EscrowCreated"> | EscrowEventOf<"EscrowDeployed">,
  releaseTime: bigint,
): EscrowState {
  const { payload } = event;
  return {
    ...state,
    status: state.approvalsGiven > 0 ? "approved" : "created",
    revision: event.revision,
    payer: payload.payer,
    payee: payload.payee,
    arbiter: addressOrNull(payload.arbiter ?? event.observedArbiter) ?? state.arbiter,
    amount: BigInt(payload.amount),
    releaseTime,
    approvalsRequired: payload.approvals_required,
    createdAt: event.blockTimestamp,
    createdBlock: event.blockNumber,
    createdTransaction: event.transactionHash,
  };
}

function ended(
  state: EscrowState,
  event: EscrowEvent,
  status: "released" | "refunded",
): EscrowState {
  return {
    ...state,
    status,
    settledAt: event.blockTimestamp,
    settledBlock: event.blockNumber,
    settledTransaction: event.transactionHash,
  };
}

function releasableFrom(state: EscrowState): bigint | null {
  if (hasEnded(state) || state.approvalsRequired === null) return null;
  return state.approvalsGiven >= state.approvalsRequired ? state.releaseTime : null;
}

function addressOrNull(address: Hex | null | undefined): Hex | null {
  return address && address !== ZERO_ADDRESS ? address : null;
}

function nothingKnown(event: EscrowEvent): EscrowState {
  return {
    chainId: event.chainId,
    address: event.stream,
    status: "unknown",
    revision: event.revision,
    factory: null,
    payer: null,
    payee: null,
    arbiter: null,
    amount: null,
    releaseTime: null,
    approvalsRequired: null,
    approvalsGiven: 0,
    approvers: [],
    releasableFrom: null,
    createdAt: null,
    createdBlock: null,
    createdTransaction: null,
    settledAt: null,
    settledBlock: null,
    settledTransaction: null,
    updatedAt: event.blockTimestamp,
    updatedBlock: event.blockNumber,
    version: 0,
    anomalies: 0,
  };
}
