import { expect, test } from "vitest";
import { comparisonLines } from "./comparison-lines.ts";

test("A comparison names each differing row with what both sides say, and sums up", () => {
  const lines = comparisonLines({
    blocks: { 1: 90, 137: 80 },
    tables: [
      { name: "escrow", rows: 10, differences: 1 },
      { name: "event", rows: 30, differences: 2 },
    ],
    notCompared: ["odd_one"],
    samples: [
      {
        table: "escrow",
        key: { chain_id: "1", address: "0xaa" },
        kind: "differing",
        columns: { amount: { live: "1", replayed: "2" }, payer: { live: null, replayed: "0xbb" } },
      },
      { table: "event", key: { chain_id: "1", id: "1-0x-3" }, kind: "missing", columns: {} },
      { table: "event", key: { chain_id: "1", id: "1-0x-4" }, kind: "extra", columns: {} },
    ],
    total: 3,
  });
  expect(lines.map(({ text }) => text)).toEqual([
    "escrow (1, 0xaa): amount is 1, replayed 2; payer is null, replayed 0xbb",
    "event (1, 1-0x-3) is missing in the live deployment",
    "event (1, 1-0x-4) is in the live deployment only",
    "odd_one is not compared: it tells nothing about an earlier block",
    "compared 40 rows of 2 tables as of block 90 of chain 1, block 80 of chain 137: 3 differences",
  ]);
});
