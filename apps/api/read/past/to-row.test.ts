import { expect, test } from "vitest";
import { toRow } from "./to-row.ts";

test("A fold's state has the names of SQL, and integers beyond 2^53 as decimal text", () => {
  const state = {
    chainId: 11155111,
    releasableFrom: 1_700_000_000n,
    amount: 2n ** 256n - 1n,
    createdTransaction: "0xAb",
    approvers: ["0x01"],
    factory: null,
  };
  expect(toRow(state)).toEqual({
    chain_id: 11155111,
    releasable_from: "1700000000",
    amount: String(2n ** 256n - 1n),
    created_transaction: "0xAb",
    approvers: ["0x01"],
    factory: null,
  });
});
