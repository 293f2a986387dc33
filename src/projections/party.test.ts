import { describe, expect, test } from "vitest";
import {
  ARBITER,
  approved,
  arbiterChanged,
  created,
  deployed,
  ONE_ETHER,
  PAYEE,
  PAYER,
  refunded,
  released,
  STRANGER,
} from "../../test/support/given-events.ts";
import { projectEvents } from "../../test/support/project-events.ts";
import { partiesTouched } from "./party.ts";

const OTHER_ESCROW = { escrow: "0x00000000000000000000000000000000000000e6" } as const;
const DONE = [created(), approved(PAYER), approved(PAYEE), released()];

const partyOf = (events: Parameters<typeof projectEvents>[0], address: string) =>
  projectEvents(events).parties.get(`11155111:${address}`);

const touchedByLast = (events: Parameters<typeof projectEvents>[0]) => {
  const last = projectEvents(events).transitions.at(-1);
  return last === undefined ? [] : partiesTouched(last);
};

describe("a party", () => {
  test("has an escrow open from its creation in each of its three roles", () => {
    expect(partyOf([created()], PAYER)).toMatchObject({
      chainId: 11155111,
      address: PAYER,
      payerOpenCount: 1,
      payerOpenAmount: ONE_ETHER,
      payeeOpenCount: 0,
    });
    expect(partyOf([created()], PAYEE)).toMatchObject({ payeeOpenCount: 1, payerOpenCount: 0 });
    expect(partyOf([created()], ARBITER)).toMatchObject({ arbiterOpenAmount: ONE_ETHER });
  });

  test("has the escrow settled after a release or a refund, and nothing open", () => {
    for (const history of [DONE, [created(), refunded()]])
      expect(partyOf(history, PAYER)).toMatchObject({
        payerOpenCount: 0,
        payerOpenAmount: 0n,
        payerSettledCount: 1,
        payerSettledAmount: ONE_ETHER,
      });
  });

  test("counts all its escrows on a chain, and each chain by itself", () => {
    const other = { ...OTHER_ESCROW, chainId: 10 };
    const events = [created(), created({ amount: 5n }, OTHER_ESCROW), created({}, other)];
    expect(partyOf(events, PAYER)).toMatchObject({
      payerOpenCount: 2,
      payerOpenAmount: ONE_ETHER + 5n,
    });
    expect(projectEvents(events).parties.get(`10:${PAYER}`)).toMatchObject({ payerOpenCount: 1 });
  });

  test("that is payer and payee at once counts in both roles, once in each", () => {
    const events = [created({ payer: STRANGER, payee: STRANGER })];
    expect(touchedByLast(events)).toEqual([STRANGER, ARBITER]);
    expect(partyOf(events, STRANGER)).toMatchObject({
      payerOpenCount: 1,
      payerOpenAmount: ONE_ETHER,
      payeeOpenCount: 1,
      payeeOpenAmount: ONE_ETHER,
      arbiterOpenCount: 0,
    });
  });

  test("that stops being arbiter hands the escrow to the new one, before the end and after", () => {
    const change = arbiterChanged(ARBITER, STRANGER);
    const open = [created(), change];
    expect(touchedByLast(open)).toEqual([PAYER, PAYEE, ARBITER, STRANGER]);
    expect(partyOf(open, ARBITER)).toMatchObject({ arbiterOpenCount: 0, arbiterOpenAmount: 0n });
    expect(partyOf(open, STRANGER)).toMatchObject({ arbiterOpenCount: 1 });
    expect(partyOf([...DONE, change], ARBITER)).toMatchObject({ arbiterSettledCount: 0 });
    expect(partyOf([...DONE, change], STRANGER)).toMatchObject({ arbiterSettledCount: 1 });
    expect(partyOf(open, PAYER)).toMatchObject({ payerOpenCount: 1 });
  });
});

test("deployments, approvals and repeated ends move nobody's totals", () => {
  expect(touchedByLast([created(), deployed()])).toEqual([]);
  expect(touchedByLast([created(), approved()])).toEqual([]);
  expect(touchedByLast([...DONE, refunded()])).toEqual([]);
});

test("an escrow whose creation was never seen counts for nobody", () => {
  expect(projectEvents([approved(), released(), refunded()]).parties.size).toBe(0);
  expect(projectEvents([arbiterChanged(ARBITER, STRANGER)]).parties.size).toBe(0);
});
