import type { party } from "../../ponder.schema.ts";
import type { Hex } from "../events/escrow-event.ts";
import { hasEnded } from "./escrow.ts";
import { type KnownEscrow, known, type Transition } from "./transition.ts";

export type PartyRow = typeof party.$inferSelect;

const ROLES = ["payer", "payee", "arbiter"] as const;
const OPEN = {
  payer: ["payerOpenCount", "payerOpenAmount"],
  payee: ["payeeOpenCount", "payeeOpenAmount"],
  arbiter: ["arbiterOpenCount", "arbiterOpenAmount"],
} as const;
const SETTLED = {
  payer: ["payerSettledCount", "payerSettledAmount"],
  payee: ["payeeSettledCount", "payeeSettledAmount"],
  arbiter: ["arbiterSettledCount", "arbiterSettledAmount"],
} as const;

/**
 * Whose totals a transition moves: creation and end move those of every party, a change of
 * arbiter those of the old and the new one. Each address once, also when it has two roles.
 */
export function partiesTouched(transition: Transition): Hex[] {
  const before = known(transition.before);
  const after = known(transition.after);
  if (before !== null && after !== null && countsAlike(before, after)) return [];
  const touched = new Set<Hex>();
  for (const side of [before, after])
    for (const role of ROLES) {
      const address = side?.[role];
      if (address) touched.add(address);
    }
  return [...touched];
}

function countsAlike(before: KnownEscrow, after: KnownEscrow): boolean {
  return hasEnded(before) === hasEnded(after) && before.arbiter === after.arbiter;
}

/**
 * The party projection: takes away what the escrow counted for this address before the event and
 * adds what it counts for after it.
 *
 * @param row the address's totals so far, null for the first time
 */
export function evolveParty(row: PartyRow | null, transition: Transition, address: Hex): PartyRow {
  const totals = { ...(row ?? emptyParty(transition.event.chainId, address)) };
  count(totals, known(transition.before), -1);
  count(totals, known(transition.after), 1);
  return totals;
}

function count(totals: PartyRow, escrow: KnownEscrow | null, sign: 1 | -1): void {
  if (escrow === null) return;
  const columns = hasEnded(escrow) ? SETTLED : OPEN;
  for (const role of ROLES) {
    if (escrow[role] !== totals.address) continue;
    const [count, amount] = columns[role];
    totals[count] += sign;
    totals[amount] += sign === 1 ? escrow.amount : -escrow.amount;
  }
}

function emptyParty(chainId: number, address: Hex): PartyRow {
  return {
    chainId,
    address,
    payerOpenCount: 0,
    payerOpenAmount: 0n,
    payerSettledCount: 0,
    payerSettledAmount: 0n,
    payeeOpenCount: 0,
    payeeOpenAmount: 0n,
    payeeSettledCount: 0,
    payeeSettledAmount: 0n,
    arbiterOpenCount: 0,
    arbiterOpenAmount: 0n,
    arbiterSettledCount: 0,
    arbiterSettledAmount: 0n,
  };
}
