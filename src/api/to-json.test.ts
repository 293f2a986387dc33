import { expect, test } from "vitest";
import { toJson } from "./to-json.ts";

test("REST names columns as SQL does and writes integers beyond 2^53 as decimal strings", () => {
  const row = {
    chainId: 11155111,
    releasableFrom: 1_700_000_000n,
    amount: 2n ** 256n - 1n,
    createdTransaction: "0xAb",
    approvers: ["0x01"],
    factory: null,
  };
  expect(toJson(row)).toEqual({
    chain_id: 11155111,
    releasable_from: "1700000000",
    amount: String(2n ** 256n - 1n),
    created_transaction: "0xAb",
    approvers: ["0x01"],
    factory: null,
  });
});

test("what REST answers is always JSON", () => {
  expect(JSON.stringify(toJson({ openAmount: 0n, payload: { amount: "1" } }))).toBe(
    '{"open_amount":"0","payload":{"amount":"1"}}',
  );
});
