import type { Hex, Payloads } from "./escrow-event.ts";
import { lower } from "./to-escrow-event.ts";

/*
 * Decoded arguments to payloads, one function per event. Revision A's events have no arbiter, and
 * then the key is absent.
 */

type CreatedArgs = {
  payer: Hex;
  payee: Hex;
  arbiter?: Hex;
  amount: bigint;
  releaseTime: bigint;
  approvalsRequired: number;
};

export function escrowCreated(args: CreatedArgs): Payloads["EscrowCreated"] {
  return {
    payer: lower(args.payer),
    payee: lower(args.payee),
    ...(args.arbiter === undefined ? {} : { arbiter: lower(args.arbiter) }),
    amount: String(args.amount),
    release_time: String(args.releaseTime),
    approvals_required: args.approvalsRequired,
  };
}

type DeployedArgs = {
  escrow: Hex;
  payer: Hex;
  payee: Hex;
  arbiter?: Hex;
  amount: bigint;
  releaseDelay: bigint;
  approvalsRequired: number;
};

export function escrowDeployed(args: DeployedArgs): Payloads["EscrowDeployed"] {
  return {
    escrow: lower(args.escrow),
    payer: lower(args.payer),
    payee: lower(args.payee),
    ...(args.arbiter === undefined ? {} : { arbiter: lower(args.arbiter) }),
    amount: String(args.amount),
    release_delay: String(args.releaseDelay),
    approvals_required: args.approvalsRequired,
  };
}

export function approved(args: { approver: Hex }): Payloads["Approved"] {
  return { approver: lower(args.approver) };
}

export function escrowReleased(args: {
  payee: Hex;
  amount: bigint;
  timestamp: bigint;
}): Payloads["EscrowReleased"] {
  return {
    payee: lower(args.payee),
    amount: String(args.amount),
    timestamp: String(args.timestamp),
  };
}

export function escrowRefunded(args: {
  payer: Hex;
  amount: bigint;
  timestamp: bigint;
}): Payloads["EscrowRefunded"] {
  return {
    payer: lower(args.payer),
    amount: String(args.amount),
    timestamp: String(args.timestamp),
  };
}

export function arbiterChanged(args: {
  oldArbiter: Hex;
  newArbiter: Hex;
}): Payloads["ArbiterChanged"] {
  return { old_arbiter: lower(args.oldArbiter), new_arbiter: lower(args.newArbiter) };
}
