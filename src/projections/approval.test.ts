import { expect, test } from "vitest";
import {
  approved,
  CHAIN_ID,
  created,
  ESCROW,
  PAYEE,
  PAYER,
  released,
} from "../../test/support/given-events.ts";
import { projectEvents } from "../../test/support/project-events.ts";

const approvalsOf = (events: Parameters<typeof projectEvents>[0]) => [
  ...projectEvents(events).approvals.values(),
];

test("two approvals of one transaction are two rows, told apart by log index and event id", () => {
  const first = approved(PAYER, { logIndex: 1 });
  const second = approved(PAYEE, { logIndex: 2 });
  const row = {
    chainId: CHAIN_ID,
    escrow: ESCROW,
    approvedAt: first.blockTimestamp,
    blockNumber: first.blockNumber,
    transactionHash: first.transactionHash,
  };
  expect(approvalsOf([created(), first, second])).toEqual([
    { ...row, approver: PAYER, ordinal: 1, logIndex: 1, eventId: first.id },
    { ...row, approver: PAYEE, ordinal: 2, logIndex: 2, eventId: second.id },
  ]);
  expect(first.id).not.toBe(second.id);
});

test("a repeated approval is no row, and neither is one after the end", () => {
  expect(approvalsOf([created(), approved(PAYER), approved(PAYER)])).toHaveLength(1);
  expect(approvalsOf([created(), released(), approved(PAYER)])).toEqual([]);
});
