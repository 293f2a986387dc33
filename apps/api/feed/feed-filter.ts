import type { FeedEntry } from "./feed-entry.ts";

/** Which messages a stream hands out: those for which all that is given holds. */
export type FeedFilter = {
  chainId: number | undefined;
  escrow: string | undefined;
  /** Payer, payee, arbiter or approver. */
  party: string | undefined;
  types: readonly string[] | undefined;
};

/** Whether an entry passes; a retraction does when what it retracts does. */
export function passes(entry: FeedEntry, { chainId, escrow, party, types }: FeedFilter): boolean {
  if (chainId !== undefined && entry.chainId !== chainId) return false;
  if (escrow !== undefined && entry.escrow !== escrow) return false;
  if (party !== undefined && !entry.parties.includes(party)) return false;
  return types === undefined || entry.types.some((type) => types.includes(type));
}

/** Alike for filters that let the same through. */
export function nameOf({ chainId, escrow, party, types }: FeedFilter): string {
  return JSON.stringify([chainId, escrow, party, types?.toSorted()]);
}
