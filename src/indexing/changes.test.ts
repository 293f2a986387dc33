import { expect, test } from "vitest";
import { changes } from "./changes.ts";

test("only what differs is set", () => {
  const before = { address: "0x1", version: 1, amount: 5n, payer: null as string | null };
  const after = { ...before, version: 2, payer: "0x3" };
  expect(changes(before, after)).toEqual({ version: 2, payer: "0x3" });
});
