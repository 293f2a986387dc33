import { expect } from "vitest";
import type { EscrowEvent, Hex, Payloads } from "../../src/events/escrow-event.ts";
import type { EventType } from "../../src/events/event-catalogue.ts";
import { type EventArguments, payloadOf } from "../../src/events/payload-of.ts";
import { toEscrowEvent } from "../../src/events/to-escrow-event.ts";
import { type EscrowState, type EscrowStep, evolveEscrow } from "../../src/projections/escrow.ts";

/*
 * Events with sensible defaults, made the way the indexer makes them, and given/when/then for the
 * escrow projection. The story they tell by default is a regular one: one ether, two approvals,
 * releasable an hour after the creation.
 */

export const CHAIN_ID = 11155111;
export const ESCROW: Hex = "0x00000000000000000000000000000000000000e5";
export const FACTORY: Hex = "0x00000000000000000000000000000000000000fa";
export const PAYER: Hex = "0x000000000000000000000000000000000000000a";
export const PAYEE: Hex = "0x000000000000000000000000000000000000000b";
export const ARBITER: Hex = "0x000000000000000000000000000000000000000c";
export const STRANGER: Hex = "0x00000000000000000000000000000000000000dd";
export const ZERO_ADDRESS: Hex = "0x0000000000000000000000000000000000000000";
export const ONE_ETHER = 10n ** 18n;
export const MAX_UINT256 = 2n ** 256n - 1n;
export const CREATED_AT = 1_700_000_000n;
export const RELEASE_DELAY = 3_600n;
export const RELEASE_TIME = CREATED_AT + RELEASE_DELAY;
export const REFUND_TIME = RELEASE_TIME + 2_592_000n;

/** Where an event is logged; what is left out comes from the story above. */
export type At = {
  revision?: "A" | "B";
  chainId?: number;
  escrow?: Hex;
  emitter?: Hex;
  timestamp?: bigint;
  blockNumber?: bigint;
  blockHash?: Hex;
  transactionHash?: Hex;
  logIndex?: number;
  /** Of a creation: what the contract said beside it. */
  observedArbiter?: Hex;
};

type CreatedArgs = EventArguments<"EscrowCreated">;
type DeployedArgs = EventArguments<"EscrowDeployed">;
type ReleasedArgs = EventArguments<"EscrowReleased">;
type RefundedArgs = EventArguments<"EscrowRefunded">;

export function created(args: Partial<CreatedArgs> = {}, at: At = {}): EscrowEvent {
  const payload = payloadOf("EscrowCreated", {
    ...terms(at),
    releaseTime: (at.timestamp ?? CREATED_AT) + RELEASE_DELAY,
    ...args,
  });
  return logged("EscrowCreated", payload, CREATED_AT, at);
}

export function deployed(args: Partial<DeployedArgs> = {}, at: At = {}): EscrowEvent {
  const escrow = at.escrow ?? ESCROW;
  const payload = payloadOf("EscrowDeployed", {
    ...terms(at),
    escrow,
    releaseDelay: RELEASE_DELAY,
    ...args,
  });
  return logged("EscrowDeployed", payload, CREATED_AT, { emitter: FACTORY, ...at });
}

export function approved(approver: Hex = PAYER, at: At = {}): EscrowEvent {
  return logged("Approved", payloadOf("Approved", { approver }), CREATED_AT + 60n, at);
}

export function released(args: Partial<ReleasedArgs> = {}, at: At = {}): EscrowEvent {
  const timestamp = at.timestamp ?? RELEASE_TIME;
  const payload = payloadOf("EscrowReleased", {
    payee: PAYEE,
    amount: ONE_ETHER,
    timestamp,
    ...args,
  });
  return logged("EscrowReleased", payload, RELEASE_TIME, at);
}

export function refunded(args: Partial<RefundedArgs> = {}, at: At = {}): EscrowEvent {
  const timestamp = at.timestamp ?? REFUND_TIME;
  const payload = payloadOf("EscrowRefunded", {
    payer: PAYER,
    amount: ONE_ETHER,
    timestamp,
    ...args,
  });
  return logged("EscrowRefunded", payload, REFUND_TIME, at);
}

export function arbiterChanged(oldArbiter: Hex, newArbiter: Hex, at: At = {}): EscrowEvent {
  const payload = payloadOf("ArbiterChanged", { oldArbiter, newArbiter });
  return logged("ArbiterChanged", payload, CREATED_AT + 60n, at);
}

/** Folds a history of one escrow; null before its first event. */
export function fold(events: EscrowEvent[]): EscrowState | null {
  return events.reduce<EscrowState | null>(
    (state, event) => evolveEscrow(state, event).after,
    null,
  );
}

/** `given(history).when(event)`, then either `.leaves(state)` or `.isAnomaly(reason, state)`. */
export function given(history: EscrowEvent[]) {
  return {
    when(event: EscrowEvent) {
      const before = fold(history);
      const unfolded = structuredClone(before);
      const step = evolveEscrow(before, event);
      expect(before, "the fold must not change what it is given").toEqual(unfolded);
      return {
        /** A regular event: no anomaly, and the state holds these values. */
        leaves(state: Partial<EscrowState>): void {
          expectStep(step, before, null, state);
        },
        /** The contract cannot have done that: the reason, and what the state holds even so. */
        isAnomaly(reason: string, state: Partial<EscrowState>): void {
          expectStep(step, before, reason, state);
        },
      };
    },
  };
}

function expectStep(
  step: EscrowStep,
  before: EscrowState | null,
  anomaly: string | null,
  state: Partial<EscrowState>,
): void {
  expect({ anomaly: step.anomaly, ...step.after }).toMatchObject({
    anomaly,
    version: (before?.version ?? 0) + 1,
    anomalies: (before?.anomalies ?? 0) + (anomaly === null ? 0 : 1),
    ...state,
  });
}

/** What creation and deployment both say; revision A names no arbiter. */
function terms({ revision = "B" }: At) {
  return {
    payer: PAYER,
    payee: PAYEE,
    ...(revision === "B" ? { arbiter: ARBITER } : {}),
    amount: ONE_ETHER,
    approvalsRequired: 2,
  };
}

function logged<T extends EventType>(
  type: T,
  payload: Payloads[T],
  usually: bigint,
  at: At,
): EscrowEvent {
  const escrow = at.escrow ?? ESCROW;
  const timestamp = at.timestamp ?? usually;
  const number = at.blockNumber ?? timestamp / 12n;
  const hash = at.blockHash ?? hash32(number);
  const source = {
    id: `${String(timestamp).padStart(20, "0")}-${String(at.logIndex ?? 0).padStart(6, "0")}`,
    log: { address: at.emitter ?? escrow, logIndex: at.logIndex ?? 0 },
    block: { number, hash, timestamp },
    transaction: { hash: at.transactionHash ?? hash32(number + 1n) },
  };
  const observed = type === "EscrowCreated" ? (at.observedArbiter ?? null) : null;
  return toEscrowEvent(type, at.revision ?? "B", at.chainId ?? CHAIN_ID, source, payload, observed);
}

function hash32(number: bigint): Hex {
  return `0x${number.toString(16).padStart(64, "0")}`;
}
