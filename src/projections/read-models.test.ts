import fc from "fast-check";
import { expect, test } from "vitest";
import { arbitraryHistory } from "../../test/support/arbitrary-history.ts";
import { type ProjectedTables, projectEvents } from "../../test/support/project-events.ts";
import { type EscrowState, hasEnded } from "./escrow.ts";
import type { PartyRow } from "./party.ts";
import { known } from "./transition.ts";

/* What holds for the read models whatever a chain logs: possible histories and impossible ones. */

const ROLES = ["payer", "payee", "arbiter"] as const;

function forEveryHistory(holds: (models: ProjectedTables) => void): void {
  fc.assert(
    fc.property(arbitraryHistory, (events) => holds(projectEvents(events))),
    { numRuns: 500 },
  );
}

const sum = (values: bigint[]): bigint => values.reduce((total, value) => total + value, 0n);

const ofChain = <T extends { chainId: number }>(rows: Map<string, T>, chainId: number): T[] =>
  [...rows.values()].filter((row) => row.chainId === chainId);

test("no history makes a fold throw, and every event raises its escrow's version by one", () => {
  forEveryHistory(({ transitions, escrows }) => {
    for (const { before, after, anomaly } of transitions) {
      expect(after.version).toBe((before?.version ?? 0) + 1);
      expect(anomaly).not.toBe("");
    }
    for (const { chainId, address, version, anomalies } of escrows.values()) {
      const own = transitions.filter(
        ({ event }) => event.chainId === chainId && event.stream === address,
      );
      expect(version).toBe(own.length);
      expect(anomalies).toBe(own.filter(({ anomaly }) => anomaly !== null).length);
    }
  });
});

test("the same history gives the same read models, and a fold changes nothing that it is given [G-7]", () => {
  fc.assert(
    fc.property(arbitraryHistory, (events) => {
      const frozen = structuredClone(events);
      expect(projectEvents(events)).toEqual(projectEvents(frozen));
      expect(events).toEqual(frozen);
    }),
  );
});

test("an end is final, and terms once known stay as they are", () => {
  forEveryHistory(({ transitions }) => {
    for (const { before, after } of transitions) {
      if (before === null) continue;
      if (hasEnded(before)) expect(after.status).toBe(before.status);
      if (known(before) === null) continue;
      const { payer, payee, amount, releaseTime, approvalsRequired, createdAt } = before;
      const terms = { payer, payee, amount, releaseTime, approvalsRequired, createdAt };
      expect(after).toMatchObject(terms);
    }
  });
});

test("every address's totals are what counting the escrows one by one gives", () => {
  forEveryHistory(({ escrows, parties }) => {
    const counted = countNaively([...escrows.values()]);
    for (const [key, row] of parties)
      expect(totalsOf(row)).toEqual(counted.get(key) ?? emptyTotals());
    for (const key of counted.keys()) expect(parties.has(key), key).toBe(true);
  });
});

test("all payers together have open what all payees together have open, and what the chain has", () => {
  forEveryHistory(({ parties, stats }) => {
    for (const { chainId, openAmount, releasedAmount, refundedAmount } of stats.values()) {
      const rows = ofChain(parties, chainId);
      expect(sum(rows.map((row) => row.payerOpenAmount))).toBe(openAmount);
      expect(sum(rows.map((row) => row.payeeOpenAmount))).toBe(openAmount);
      expect(sum(rows.map((row) => row.payerSettledAmount))).toBe(releasedAmount + refundedAmount);
    }
  });
});

test("the minutes of a chain add up to its totals", () => {
  forEveryHistory(({ minutes, stats }) => {
    for (const stat of stats.values()) {
      const rows = ofChain(minutes, stat.chainId);
      const count = (pick: (row: (typeof rows)[number]) => number): number =>
        rows.reduce((total, row) => total + pick(row), 0);
      expect({
        escrows: count((row) => row.deployedCount),
        released: count((row) => row.releasedCount),
        refunded: count((row) => row.refundedCount),
        releasedAmount: sum(rows.map((row) => row.releasedAmount)),
        refundedAmount: sum(rows.map((row) => row.refundedAmount)),
        openAmount: sum(
          rows.map((row) => row.deployedAmount - row.releasedAmount - row.refundedAmount),
        ),
      }).toEqual({
        escrows: stat.escrows,
        released: stat.released,
        refunded: stat.refunded,
        releasedAmount: stat.releasedAmount,
        refundedAmount: stat.refundedAmount,
        openAmount: stat.openAmount,
      });
      for (const { minute } of rows) expect(minute % 60n).toBe(0n);
    }
  });
});

test("a chain's totals are what counting its events and escrows one by one gives", () => {
  forEveryHistory(({ transitions, escrows, approvals, settlements, stats }) => {
    for (const stat of stats.values()) {
      const { chainId } = stat;
      const own = transitions.filter(({ event }) => event.chainId === chainId);
      const states = ofChain(escrows, chainId);
      expect(stat).toMatchObject({
        events: own.length,
        anomalies: own.filter(({ anomaly }) => anomaly !== null).length,
        escrows: states.filter((state) => known(state) !== null).length,
        released: states.filter(({ status }) => status === "released").length,
        refunded: states.filter(({ status }) => status === "refunded").length,
        approvals: ofChain(approvals, chainId).length,
        lastEventBlock: own.at(-1)?.event.blockNumber,
        lastEventAt: own.at(-1)?.event.blockTimestamp,
      });
      expect(ofChain(settlements, chainId)).toHaveLength(stat.released + stat.refunded);
    }
  });
});

test("the approvals of an escrow are numbered 1, 2, 3 and name its approvers in that order", () => {
  forEveryHistory(({ escrows, approvals }) => {
    for (const { chainId, address, approvers } of escrows.values()) {
      const own = ofChain(approvals, chainId).filter((row) => row.escrow === address);
      own.sort((one, other) => one.ordinal - other.ordinal);
      expect(own.map(({ ordinal }) => ordinal)).toEqual(approvers.map((_, at) => at + 1));
      expect(own.map(({ approver }) => approver)).toEqual(approvers);
    }
  });
});

type Totals = Omit<PartyRow, "chainId" | "address">;

function totalsOf({ chainId: _chain, address: _address, ...totals }: PartyRow): Totals {
  return totals;
}

function countNaively(escrows: EscrowState[]): Map<string, Totals> {
  const counted = new Map<string, Totals>();
  for (const state of escrows) {
    const escrow = known(state);
    if (escrow === null) continue;
    for (const role of ROLES) {
      if (escrow[role] === null) continue;
      const key = `${escrow.chainId}:${escrow[role]}`;
      const totals = counted.get(key) ?? emptyTotals();
      const kind = `${role}${hasEnded(escrow) ? "Settled" : "Open"}` as const;
      totals[`${kind}Count`] += 1;
      totals[`${kind}Amount`] += escrow.amount;
      counted.set(key, totals);
    }
  }
  return counted;
}

function emptyTotals(): Totals {
  const zero = { Count: 0, Amount: 0n };
  return Object.fromEntries(
    ROLES.flatMap((role) =>
      ["Open", "Settled"].flatMap((kind) =>
        Object.entries(zero).map(([unit, none]) => [`${role}${kind}${unit}`, none]),
      ),
    ),
  ) as Totals;
}
