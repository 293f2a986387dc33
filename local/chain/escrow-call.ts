import { type Address, encodeFunctionData, type Hex, numberToHex, zeroAddress } from "viem";
import { escrowBAbi } from "../../abis/escrow-b.ts";
import { escrowFactoryBAbi } from "../../abis/escrow-factory-b.ts";

/** A transaction ready for `eth_sendTransaction` from an unlocked account. */
export type EscrowCall = { from: Address; to: Address; value?: Hex; gas: Hex; data: Hex };

// A fixed gas limit saves an estimation per transaction; what is not used is not paid.
const CREATE_GAS = numberToHex(1_500_000);
const PARTY_GAS = numberToHex(300_000);

export type CreateTerms = {
  factory: Address;
  payer: Address;
  payee: Address;
  arbiter: Address | undefined;
  amount: bigint;
  /** Seconds. */
  releaseDelay: number;
  approvalsRequired: number;
  /** With a salt the escrow gets a deterministic address. */
  salt?: Hex | undefined;
};

/** The payer's call that creates an escrow. The calls of both revisions have the same form. */
export function createCall(terms: CreateTerms): EscrowCall {
  const { payee, approvalsRequired, arbiter = zeroAddress, salt } = terms;
  const args = [payee, BigInt(terms.releaseDelay), approvalsRequired, arbiter] as const;
  const abi = escrowFactoryBAbi;
  const data =
    salt === undefined
      ? encodeFunctionData({ abi, functionName: "createEscrow", args })
      : encodeFunctionData({
          abi,
          functionName: "createEscrowDeterministic",
          args: [...args, salt],
        });
  const value = numberToHex(terms.amount);
  return { from: terms.payer, to: terms.factory, value, gas: CREATE_GAS, data };
}

/** A party's call to an escrow. */
export function partyCall(
  from: Address,
  escrow: Address,
  call: "approve" | "release" | "refund" | { changeArbiter: Address },
): EscrowCall {
  const abi = escrowBAbi;
  const data =
    typeof call === "string"
      ? encodeFunctionData({ abi, functionName: call })
      : encodeFunctionData({ abi, functionName: "changeArbiter", args: [call.changeArbiter] });
  return { from, to: escrow, gas: PARTY_GAS, data };
}
