import { expect, test } from "vitest";
import { payloadOf } from "./payload-of.ts";

const PAYER = "0xAbCdEf0000000000000000000000000000000001";
const PAYEE = "0xAbCdEf0000000000000000000000000000000002";
const ARBITER = "0xAbCdEf0000000000000000000000000000000003";
const ESCROW = "0xAbCdEf0000000000000000000000000000000004";
const MAX = 2n ** 256n - 1n;
const MAX_TEXT = "115792089237316195423570985008687907853269984665640564039457584007913129639935";

const terms = { payer: PAYER, payee: PAYEE, amount: MAX, approvalsRequired: 3 } as const;

test("addresses are lower-case, every uint256 is a decimal string and a uint8 a number", () => {
  expect(payloadOf("EscrowCreated", { ...terms, arbiter: ARBITER, releaseTime: MAX })).toEqual({
    payer: PAYER.toLowerCase(),
    payee: PAYEE.toLowerCase(),
    arbiter: ARBITER.toLowerCase(),
    amount: MAX_TEXT,
    release_time: MAX_TEXT,
    approvals_required: 3,
  });
  expect(
    payloadOf("EscrowDeployed", { ...terms, escrow: ESCROW, arbiter: ARBITER, releaseDelay: 0n }),
  ).toEqual({
    escrow: ESCROW.toLowerCase(),
    payer: PAYER.toLowerCase(),
    payee: PAYEE.toLowerCase(),
    arbiter: ARBITER.toLowerCase(),
    amount: MAX_TEXT,
    release_delay: "0",
    approvals_required: 3,
  });
  expect(payloadOf("Approved", { approver: PAYER })).toEqual({ approver: PAYER.toLowerCase() });
  expect(payloadOf("EscrowReleased", { payee: PAYEE, amount: MAX, timestamp: 5n })).toEqual({
    payee: PAYEE.toLowerCase(),
    amount: MAX_TEXT,
    timestamp: "5",
  });
  expect(payloadOf("EscrowRefunded", { payer: PAYER, amount: 0n, timestamp: MAX })).toEqual({
    payer: PAYER.toLowerCase(),
    amount: "0",
    timestamp: MAX_TEXT,
  });
  expect(payloadOf("ArbiterChanged", { oldArbiter: ARBITER, newArbiter: PAYER })).toEqual({
    old_arbiter: ARBITER.toLowerCase(),
    new_arbiter: PAYER.toLowerCase(),
  });
});

test("revision A names no arbiter: its payloads have no such key", () => {
  expect(payloadOf("EscrowCreated", { ...terms, releaseTime: 1n })).not.toHaveProperty("arbiter");
  const deployment = payloadOf("EscrowDeployed", { ...terms, escrow: ESCROW, releaseDelay: 1n });
  expect(deployment).not.toHaveProperty("arbiter");
});

test("an event that was decoded without one of its fields stops the indexer, and is no half payload", () => {
  const without = { approver: undefined } as unknown as { approver: `0x${string}` };
  expect(() => payloadOf("Approved", without)).toThrow("Approved was decoded without approver");
});
