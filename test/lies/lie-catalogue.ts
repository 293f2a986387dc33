import { BLOCK_LIES, CHAINS } from "./block-lies.ts";
import { BLOCK_LOG_LIES, RANGE_LIES, RECEIPTS } from "./log-lies.ts";
import type { NamedLie } from "./named-lie.ts";
import { LIMITS, REFUSALS } from "./refusals.ts";

/** Every way to answer wrongly that the suite plays, and every way of chains and providers. */
export const LIE_CATALOGUE: readonly NamedLie[] = [
  ...BLOCK_LIES,
  ...RANGE_LIES,
  ...BLOCK_LOG_LIES,
  ...REFUSALS,
  ...CHAINS,
  ...RECEIPTS,
  ...LIMITS,
];

/** What one node can say at any time, whatever the chain and the others are like. */
export const LIES: readonly NamedLie[] = LIE_CATALOGUE.filter(
  ({ everywhere, agree, atMost, needsOthers }) =>
    everywhere === undefined && agree === undefined && atMost === undefined && !needsOthers,
);
