import { approvalOf } from "../../src/projections/approval.ts";
import { evolveChainStat } from "../../src/projections/chain-stat.ts";
import { evolveParty, partiesTouched } from "../../src/projections/party.ts";
import { settlementOf } from "../../src/projections/settlement.ts";
import { evolveSettlementMinute, minuteTouched } from "../../src/projections/settlement-minute.ts";
import type { Transition } from "../../src/projections/transition.ts";

/** A row of a read model under the schema's own names and types. */
export type Row = Record<string, unknown>;

/** A read model that is folded from transitions, as `src/indexing/append.ts` does it. */
export type Projection = {
  table: string;
  /** The primary key's columns. */
  key: readonly string[];
  /** The keys of the rows that a transition changes. */
  touched(transition: Transition): Row[];
  /** The row after the transition; null before it when there was none. */
  evolve(row: Row | null, transition: Transition, key: Row): Row;
};

/** The escrow itself is what every other read model is folded from. */
export const ESCROW = { table: "escrow", key: ["chainId", "address"] } as const;

export const PROJECTIONS: readonly Projection[] = [
  insertedOnce("approval", ["chainId", "escrow", "approver"], approvalOf),
  insertedOnce("settlement", ["chainId", "escrow"], settlementOf),
  totals({
    table: "party",
    key: ["chainId", "address"],
    touched: (transition) =>
      partiesTouched(transition).map((address) => ({
        chainId: transition.event.chainId,
        address,
      })),
    evolve: (row: Parameters<typeof evolveParty>[0], transition, { address }) =>
      evolveParty(row, transition, address),
  }),
  totals({
    table: "settlement_minute",
    key: ["chainId", "minute"],
    touched: (transition) => {
      const minute = minuteTouched(transition);
      return minute === null ? [] : [{ chainId: transition.event.chainId, minute }];
    },
    evolve: (row: Parameters<typeof evolveSettlementMinute>[0], transition, { minute }) =>
      evolveSettlementMinute(row, transition, minute),
  }),
  totals({
    table: "chain_stat",
    key: ["chainId"],
    touched: ({ event }) => [{ chainId: event.chainId }],
    evolve: (row: Parameters<typeof evolveChainStat>[0], transition) =>
      evolveChainStat(row, transition),
  }),
];

/** The names that `--projection` takes. */
export const PROJECTION_NAMES: readonly string[] = [
  ESCROW.table,
  ...PROJECTIONS.map(({ table }) => table),
];

/** A read model of rows that are inserted and never changed. */
function insertedOnce(
  table: string,
  key: readonly string[],
  rowOf: (transition: Transition) => Row | null,
): Projection {
  return {
    table,
    key,
    touched: (transition) => {
      const row = rowOf(transition);
      return row === null ? [] : [Object.fromEntries(key.map((name) => [name, row[name]]))];
    },
    evolve: (before, transition) => {
      const row = rowOf(transition);
      if (before !== null || row === null)
        throw new Error(`${table} has a row of this key already, and its rows are inserted once`);
      return row;
    },
  };
}

/** Rows come back from the database with the types that they were written with. */
function totals<R extends Row, K extends Row>(projection: {
  table: string;
  key: readonly string[];
  touched(transition: Transition): K[];
  evolve(row: R | null, transition: Transition, key: K): R;
}): Projection {
  return projection as unknown as Projection;
}
