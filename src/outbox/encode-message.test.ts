import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { arbitraryHistory } from "../../test/support/arbitrary-history.ts";
import {
  ARBITER,
  type At,
  approved,
  arbiterChanged,
  created,
  deployed,
  MAX_UINT256,
  PAYER,
  refunded,
  released,
  STRANGER,
} from "../../test/support/given-events.ts";
import type { EscrowEvent } from "../events/escrow-event.ts";
import { encodeMessage } from "./encode-message.ts";

const BLOCK = `0x${"b1".repeat(32)}` as const;
const at: At = {
  timestamp: 1_700_000_000n,
  blockNumber: 9_508_301n,
  blockHash: BLOCK,
  transactionHash: `0x${"f0".repeat(32)}`,
  logIndex: 5,
};

/* The bytes of every message. They are a promise to every subscriber: none may ever change. */
const ESCROW_ORIGIN =
  '"schema_version":1,"chain_id":11155111,"contract_address":"0x00000000000000000000000000000000000000e5","escrow_address":"0x00000000000000000000000000000000000000e5","block_number":9508301,"block_hash":"0xb1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1","block_timestamp":1700000000,"transaction_hash":"0xf0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0","log_index":5';
const FACTORY_ORIGIN = ESCROW_ORIGIN.replace(
  '"contract_address":"0x00000000000000000000000000000000000000e5"',
  '"contract_address":"0x00000000000000000000000000000000000000fa"',
);
const ID =
  '"event_id":"11155111-0xb1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1-5"';
const PARTIES =
  '"payer":"0x000000000000000000000000000000000000000a","payee":"0x000000000000000000000000000000000000000b"';
const MAX = "115792089237316195423570985008687907853269984665640564039457584007913129639935";

const A: At = { ...at, revision: "A" };
const golden: [string, EscrowEvent, string][] = [
  [
    "EscrowCreated of revision A",
    created({}, A),
    `{${ID},"event_type":"EscrowCreated",${ESCROW_ORIGIN},${PARTIES},"amount":"1000000000000000000","release_time":"1700003600","approvals_required":2}`,
  ],
  [
    "EscrowCreated of revision B",
    created({ amount: MAX_UINT256 }, at),
    `{${ID},"event_type":"EscrowCreated",${ESCROW_ORIGIN},${PARTIES},"arbiter":"0x000000000000000000000000000000000000000c","amount":"${MAX}","release_time":"1700003600","approvals_required":2}`,
  ],
  [
    "EscrowDeployed of revision A",
    deployed({}, A),
    `{${ID},"event_type":"EscrowDeployed",${FACTORY_ORIGIN},"escrow":"0x00000000000000000000000000000000000000e5",${PARTIES},"amount":"1000000000000000000","release_delay":"3600","approvals_required":2}`,
  ],
  [
    "EscrowDeployed of revision B",
    deployed({}, at),
    `{${ID},"event_type":"EscrowDeployed",${FACTORY_ORIGIN},"escrow":"0x00000000000000000000000000000000000000e5",${PARTIES},"arbiter":"0x000000000000000000000000000000000000000c","amount":"1000000000000000000","release_delay":"3600","approvals_required":2}`,
  ],
  ...(["A", "B"] as const).flatMap((revision): [string, EscrowEvent, string][] => [
    [
      `Approved of revision ${revision}`,
      approved(PAYER, { ...at, revision }),
      `{${ID},"event_type":"Approved",${ESCROW_ORIGIN},"approver":"0x000000000000000000000000000000000000000a"}`,
    ],
    [
      `EscrowReleased of revision ${revision}`,
      released({}, { ...at, revision }),
      `{${ID},"event_type":"EscrowReleased",${ESCROW_ORIGIN},"payee":"0x000000000000000000000000000000000000000b","amount":"1000000000000000000","timestamp":"1700000000"}`,
    ],
    [
      `EscrowRefunded of revision ${revision}`,
      refunded({}, { ...at, revision }),
      `{${ID},"event_type":"EscrowRefunded",${ESCROW_ORIGIN},"payer":"0x000000000000000000000000000000000000000a","amount":"1000000000000000000","timestamp":"1700000000"}`,
    ],
    [
      `ArbiterChanged of revision ${revision}`,
      arbiterChanged(ARBITER, STRANGER, { ...at, revision }),
      `{${ID},"event_type":"ArbiterChanged",${ESCROW_ORIGIN},"old_arbiter":"0x000000000000000000000000000000000000000c","new_arbiter":"0x00000000000000000000000000000000000000dd"}`,
    ],
  ]),
];

describe("the body of a message", () => {
  test.each(golden)("of %s is these bytes", (_, event, body) => {
    expect(encodeMessage(event).body).toBe(body);
  });

  test("is the same when the event was read back with its payload's keys in another order", () => {
    for (const [, event, body] of golden) {
      const keys = Object.entries(event.payload).reverse();
      const readBack = { ...event, payload: Object.fromEntries(keys) } as EscrowEvent;
      expect(encodeMessage(readBack).body).toBe(body);
    }
  });

  test("holds no number that JSON readers would round", () => {
    fc.assert(
      fc.property(arbitraryHistory, (events) => {
        for (const event of events)
          for (const value of Object.values(JSON.parse(encodeMessage(event).body)))
            if (typeof value === "number") expect(Number.isSafeInteger(value)).toBe(true);
      }),
    );
  });

  test("holds every field of the event's payload as it is", () => {
    fc.assert(
      fc.property(arbitraryHistory, (events) => {
        for (const event of events)
          expect(JSON.parse(encodeMessage(event).body)).toMatchObject(event.payload);
      }),
    );
  });
});

test("the attributes name the event for filters and carry CloudEvents 1.0", () => {
  expect(encodeMessage(deployed({}, at)).attributes).toEqual({
    event_id: `11155111-${BLOCK}-5`,
    event_type: "EscrowDeployed",
    chain_id: "11155111",
    escrow_address: "0x00000000000000000000000000000000000000e5",
    "ce-specversion": "1.0",
    "ce-id": `11155111-${BLOCK}-5`,
    "ce-source": "/chains/11155111/contracts/0x00000000000000000000000000000000000000fa",
    "ce-type": "escrow.EscrowDeployed.v1",
    "ce-subject": "0x00000000000000000000000000000000000000e5",
    "ce-time": "2023-11-14T22:13:20.000Z",
  });
});

test("the ordering key is the chain and the escrow, also for what the factory logged", () => {
  const key = "11155111:0x00000000000000000000000000000000000000e5";
  for (const [, event] of golden) expect(encodeMessage(event).orderingKey).toBe(key);
});

test("the same event gives the same message, always", () => {
  fc.assert(
    fc.property(arbitraryHistory, (events) => {
      const copies = structuredClone(events);
      const encode = (all: EscrowEvent[]) => all.map((one) => JSON.stringify(encodeMessage(one)));
      expect(encode(events)).toEqual(encode(copies));
    }),
  );
});
