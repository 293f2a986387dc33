import { expect, test } from "vitest";
import {
  approved,
  CHAIN_ID,
  CREATED_AT,
  created,
  ESCROW,
  ONE_ETHER,
  PAYEE,
  PAYER,
  REFUND_TIME,
  RELEASE_DELAY,
  RELEASE_TIME,
  refunded,
  released,
  STRANGER,
} from "../../test/support/given-events.ts";
import { projectEvents } from "../../test/support/project-events.ts";

const settle = (events: Parameters<typeof projectEvents>[0]) => [
  ...projectEvents(events).settlements.values(),
];

test("a release is a settlement to the payee, with the time since the creation", () => {
  const release = released();
  expect(settle([created(), approved(PAYER), approved(PAYEE), release])).toEqual([
    {
      chainId: CHAIN_ID,
      escrow: ESCROW,
      outcome: "released",
      amount: ONE_ETHER,
      beneficiary: PAYEE,
      payer: PAYER,
      payee: PAYEE,
      createdAt: CREATED_AT,
      settledAt: RELEASE_TIME,
      secondsToSettle: RELEASE_DELAY,
      blockNumber: release.blockNumber,
      transactionHash: release.transactionHash,
      eventId: release.id,
    },
  ]);
});

test("a refund is a settlement to the payer", () => {
  expect(settle([created(), refunded()])).toMatchObject([
    {
      outcome: "refunded",
      beneficiary: PAYER,
      settledAt: REFUND_TIME,
      secondsToSettle: REFUND_TIME - CREATED_AT,
    },
  ]);
});

test("a settlement tells what was really paid and to whom, also when that was wrong", () => {
  expect(settle([created(), released({ payee: STRANGER, amount: 3n })])).toMatchObject([
    { outcome: "released", amount: 3n, beneficiary: STRANGER, payee: PAYEE },
  ]);
});

test("there is one settlement per escrow: the first end", () => {
  expect(settle([created(), released(), refunded(), released()])).toMatchObject([
    { outcome: "released" },
  ]);
});

test("there is none for an escrow whose creation was never seen", () => {
  expect(settle([released(), refunded(), created()])).toEqual([]);
});
