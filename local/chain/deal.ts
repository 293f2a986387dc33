import type { Address } from "viem";

export const SECONDS_PER_DAY = 86_400;

/** What the traffic generator remembers of an escrow that is neither released nor refunded. */
export type Deal = {
  revision: "A" | "B";
  /** Unknown from the moment the creation is planned until it is mined. */
  address: Address | undefined;
  payer: Address;
  payee: Address;
  arbiter: Address | undefined;
  approvalsRequired: number;
  approvedBy: Address[];
  /** Unix seconds on chain. */
  releaseTime: number;
  /** A stalled deal never gets its last approval, so it ends in a refund. */
  stalled: boolean;
};
