import type { Address } from "viem";

export const SECONDS_PER_DAY = 86_400;

/** What the traffic generator remembers of an escrow that is not settled yet. */
export type Deal = {
  revision: "A" | "B";
  /** Unknown from the moment the creation is planned until it is mined. */
  address: Address | undefined;
  payer: Address;
  payee: Address;
  arbiter: Address | undefined;
  approvalsRequired: number;
  approvedBy: Address[];
  /** Whether a release time lies after the creation: at most half a day, see `planStep`. */
  delayed: boolean;
  /** A stalled deal never gets its last approval, so it ends in a refund. */
  stalled: boolean;
  /** Counted so that `today - createdDay` days have certainly passed on chain. */
  createdDay: number;
};

/** Whole days from the genesis block to a moment on chain, both in Unix seconds. */
export function chainDay(timestamp: bigint, genesisTimestamp: bigint): number {
  return Math.floor(Number(timestamp - genesisTimestamp) / SECONDS_PER_DAY);
}
