import { isReleasable } from "../../../src/projections/escrow.ts";
import type { EscrowRow } from "../read/views.ts";

/**
 * An escrow with the answer to "could it be released at that time?".
 *
 * @param at Unix seconds; the clock's when absent
 */
export function withReleasable(row: EscrowRow, at: string | undefined) {
  const time = at === undefined ? BigInt(Math.floor(Date.now() / 1_000)) : BigInt(at);
  const { releasable_from: from } = row;
  const value = isReleasable({ releasableFrom: from === null ? null : BigInt(from) }, time);
  return { ...row, releasable: { at: String(time), value } };
}
