import { expect, test } from "vitest";
import { lower } from "./lower.ts";
import { toEscrowEvent } from "./to-escrow-event.ts";

const ESCROW = "0xAAAAAAAAaaaaaaaaAAAAAAAAaaaaaaaaAAAAAAAA";
const FACTORY = "0xBBBBBBBBbbbbbbbbBBBBBBBBbbbbbbbbBBBBBBBB";
const APPROVER = "0xcccccccccccccccccccccccccccccccccccccccc";

const logged = (address: `0x${string}`) => ({
  id: "checkpoint",
  log: { address, logIndex: 3 },
  block: { number: 9_508_300n, hash: `0x${"AB".repeat(32)}` as const, timestamp: 1_700_000_000n },
  transaction: { hash: `0x${"CD".repeat(32)}` as const },
});

test("an event keeps where and when it was logged, with every hex value in lower case", () => {
  const payload = { approver: APPROVER } as const;
  expect(toEscrowEvent("Approved", "A", 11155111, logged(ESCROW), payload)).toEqual({
    chainId: 11155111,
    id: `11155111-0x${"ab".repeat(32)}-3`,
    position: "checkpoint",
    stream: ESCROW.toLowerCase(),
    type: "Approved",
    schemaVersion: 1,
    revision: "A",
    emitter: ESCROW.toLowerCase(),
    blockNumber: 9_508_300,
    blockHash: `0x${"ab".repeat(32)}`,
    blockTimestamp: 1_700_000_000n,
    transactionHash: `0x${"cd".repeat(32)}`,
    logIndex: 3,
    observedArbiter: null,
    payload,
  });
});

test("what a factory logs belongs to the stream of the escrow that it names", () => {
  const payload = {
    escrow: lower(ESCROW),
    payer: APPROVER,
    payee: APPROVER,
    amount: "1",
    release_delay: "0",
    approvals_required: 1,
  } as const;
  const event = toEscrowEvent("EscrowDeployed", "B", 1, logged(FACTORY), payload);
  expect(event).toMatchObject({ stream: lower(ESCROW), emitter: lower(FACTORY), revision: "B" });
});
