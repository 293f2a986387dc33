import type { Hex } from "../events/escrow-event.ts";
import { approvalOf } from "./approval.ts";
import { type ChainStatRow, evolveChainStat } from "./chain-stat.ts";
import { evolveParty, type PartyRow, partiesTouched } from "./party.ts";
import { settlementOf } from "./settlement.ts";
import {
  evolveSettlementMinute,
  minuteTouched,
  type SettlementMinuteRow,
} from "./settlement-minute.ts";
import type { Transition } from "./transition.ts";
import { type Row, type WrittenTable, writtenTable } from "./written-table.ts";

/**
 * What a transition does to a row:
 *
 * - `new`: the row is there for the first time, whatever else is in the table;
 * - `next`: it takes the place of the row before it, which the transition knows;
 * - `fold`: it follows from the row before it, null when there is none yet.
 */
export type RowChange =
  | { is: "new"; row: Row }
  | { is: "next"; key: Row; row: Row }
  | { is: "fold"; key: Row; fold: (before: Row | null) => Row };

/** A table that is folded from transitions. */
export type ReadModel = WrittenTable & { changes: (transition: Transition) => RowChange[] };

/** The escrow itself is what every other read model is folded from. */
export const ESCROW: ReadModel = {
  ...writtenTable("escrow", ["chainId", "address"]),
  changes: ({ event, before, after }) =>
    before === null
      ? [{ is: "new", row: after }]
      : [{ is: "next", key: escrowKey(event), row: after }],
};

/** Every read model there is. Whoever writes, compares, rebuilds or describes them walks over it. */
export const READ_MODELS: readonly ReadModel[] = [
  ESCROW,
  {
    ...writtenTable("approval", ["chainId", "escrow", "approver"]),
    changes: (transition) => onceIfAny(approvalOf(transition)),
  },
  {
    ...writtenTable("settlement", ["chainId", "escrow"]),
    changes: (transition) => onceIfAny(settlementOf(transition)),
  },
  {
    ...writtenTable("party", ["chainId", "address"]),
    changes: (transition) =>
      partiesTouched(transition).map((address) =>
        folded({ chainId: transition.event.chainId, address }, (row: PartyRow | null) =>
          evolveParty(row, transition, address),
        ),
      ),
  },
  {
    ...writtenTable("settlementMinute", ["chainId", "minute"]),
    changes: (transition) => {
      const minute = minuteTouched(transition);
      if (minute === null) return [];
      const key = { chainId: transition.event.chainId, minute };
      return [
        folded(key, (row: SettlementMinuteRow | null) =>
          evolveSettlementMinute(row, transition, minute),
        ),
      ];
    },
  },
  {
    ...writtenTable("chainStat", ["chainId"]),
    changes: (transition) => [
      folded({ chainId: transition.event.chainId }, (row: ChainStatRow | null) =>
        evolveChainStat(row, transition),
      ),
    ],
  },
];

/** The key of the escrow that an event is about. */
export function escrowKey({ chainId, stream }: { chainId: number; stream: Hex }): {
  chainId: number;
  address: Hex;
} {
  return { chainId, address: stream };
}

function onceIfAny(row: Row | null): RowChange[] {
  return row === null ? [] : [{ is: "new", row }];
}

/** Rows come back from a table with the types that they were written with. */
function folded<R extends Row>(key: Row, fold: (before: R | null) => R): RowChange {
  return { is: "fold", key, fold: fold as (before: Row | null) => Row };
}
