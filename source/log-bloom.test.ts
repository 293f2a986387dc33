import { expect, test } from "vitest";
import type { Hex } from "../src/events/escrow-event.ts";
import { bloomOf, LogBloom } from "./log-bloom.ts";

const ADDRESS: Hex = "0x095e7baea6a6c7c4c2dfeb977efac326af552d87";
const TOPIC: Hex = `0x${"11".repeat(32)}`;

test("a bloom holds each log's address and topics", () => {
  const bloom = new LogBloom(bloomOf([{ address: ADDRESS, topics: [TOPIC] }]));
  expect(bloom.mayHold(ADDRESS)).toBe(true);
  expect(bloom.mayHold(TOPIC)).toBe(true);
  expect(bloom.mayHold(`0x${"22".repeat(32)}`)).toBe(false);
  expect(bloom.isEmpty).toBe(false);
});

test("a bloom sets the bits that the yellow paper says", () => {
  // go-ethereum, core/types/bloom9_test.go: the strings "testtest", "test", "hallo", "other".
  const values = ["testtest", "test", "hallo", "other"].map(
    (text): Hex => `0x${Buffer.from(text).toString("hex")}`,
  );
  const bloom = new LogBloom(bloomOf(values.map((address) => ({ address, topics: [] }))));
  expect(values.every((value) => bloom.mayHold(value))).toBe(true);
  const others = ["tes", "lo"].map((text): Hex => `0x${Buffer.from(text).toString("hex")}`);
  expect(others.some((value) => bloom.mayHold(value))).toBe(false);
});

test("a block without logs has an empty bloom", () => {
  expect(new LogBloom(bloomOf([])).isEmpty).toBe(true);
});
