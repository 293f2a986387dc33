import { expect, test } from "vitest";
import {
  approved,
  created,
  ONE_ETHER,
  refunded,
  released,
} from "../../test/support/given-events.ts";
import { projectEvents } from "../../test/support/project-events.ts";

/* 1_700_000_040 is the first second of a minute. */
const MINUTE = 1_700_000_040n;

const minutesOf = (events: Parameters<typeof projectEvents>[0]) => [
  ...projectEvents(events).minutes.values(),
];

test("a minute holds its first second and its last, and not the next one", () => {
  const at = (timestamp: bigint, n: number) =>
    ({ timestamp, escrow: `0x${String(n).padStart(40, "0")}` }) as const;
  const events = [
    created({ amount: 1n }, at(MINUTE - 1n, 1)),
    created({ amount: 2n }, at(MINUTE, 2)),
    created({ amount: 4n }, at(MINUTE + 59n, 3)),
    created({ amount: 8n }, at(MINUTE + 60n, 4)),
  ];
  expect(minutesOf(events)).toMatchObject([
    { minute: MINUTE - 60n, deployedCount: 1, deployedAmount: 1n },
    { minute: MINUTE, deployedCount: 2, deployedAmount: 6n },
    { minute: MINUTE + 60n, deployedCount: 1, deployedAmount: 8n },
  ]);
});

test("creation and end count in the minutes that they happened in", () => {
  const later = { timestamp: MINUTE + 120n };
  expect(minutesOf([created({}, { timestamp: MINUTE }), released({}, later)])).toEqual([
    {
      chainId: 11155111,
      minute: MINUTE,
      deployedCount: 1,
      deployedAmount: ONE_ETHER,
      releasedCount: 0,
      releasedAmount: 0n,
      refundedCount: 0,
      refundedAmount: 0n,
    },
    {
      chainId: 11155111,
      minute: MINUTE + 120n,
      deployedCount: 0,
      deployedAmount: 0n,
      releasedCount: 1,
      releasedAmount: ONE_ETHER,
      refundedCount: 0,
      refundedAmount: 0n,
    },
  ]);
  expect(minutesOf([created(), refunded()])[1]).toMatchObject({
    refundedCount: 1,
    refundedAmount: ONE_ETHER,
    releasedCount: 0,
  });
});

test("approvals and events of unknown escrows make no minute", () => {
  expect(minutesOf([approved(), released(), refunded()])).toEqual([]);
  expect(minutesOf([created(), approved()])).toHaveLength(1);
});
