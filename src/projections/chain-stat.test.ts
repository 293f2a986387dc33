import { expect, test } from "vitest";
import {
  approved,
  created,
  deployed,
  ONE_ETHER,
  PAYEE,
  PAYER,
  REFUND_TIME,
  refunded,
  released,
} from "../../test/support/given-events.ts";
import { projectEvents } from "../../test/support/project-events.ts";

const OTHER = { escrow: "0x00000000000000000000000000000000000000e6" } as const;

test("a chain's totals count events, escrows, approvals, ends, money and anomalies", () => {
  const last = refunded({ amount: 5n }, OTHER);
  const { stats } = projectEvents([
    created(),
    deployed(),
    created({ amount: 5n }, OTHER),
    approved(PAYER),
    approved(PAYER),
    approved(PAYEE),
    released(),
    last,
  ]);
  expect([...stats.values()]).toEqual([
    {
      chainId: 11155111,
      events: 8,
      escrows: 2,
      approvals: 2,
      released: 1,
      refunded: 1,
      anomalies: 1,
      openAmount: 0n,
      releasedAmount: ONE_ETHER,
      refundedAmount: 5n,
      lastEventBlock: last.blockNumber,
      lastEventAt: REFUND_TIME,
    },
  ]);
});

test("each chain has totals of its own", () => {
  const { stats } = projectEvents([created(), created({ amount: 7n }, { chainId: 10 })]);
  expect(stats.get("11155111")).toMatchObject({ escrows: 1, openAmount: ONE_ETHER });
  expect(stats.get("10")).toMatchObject({ escrows: 1, openAmount: 7n });
});
