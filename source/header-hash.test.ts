import { expect, test } from "vitest";
import { proveHeader } from "./header-hash.ts";
import { EMPTY_ROOT } from "./trie-root-of.ts";

const ZERO_WORD = `0x${"0".repeat(64)}`;

/** The first block of Ethereum, which every client has built in. */
const genesis = {
  hash: "0xd4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3",
  parentHash: ZERO_WORD,
  sha3Uncles: "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347",
  miner: `0x${"0".repeat(40)}`,
  stateRoot: "0xd7f8974fb5ac78d9ac099b9ad5018bedc2ce0a72dad1827a1709da30580f0544",
  transactionsRoot: EMPTY_ROOT,
  receiptsRoot: EMPTY_ROOT,
  logsBloom: `0x${"0".repeat(512)}`,
  difficulty: "0x400000000",
  number: "0x0",
  gasLimit: "0x1388",
  gasUsed: "0x0",
  timestamp: "0x0",
  extraData: "0x11bbe8db4e347b4e8c937c1c8370e4b5ed33adb3db69cbdb7a38e1e50b1b82fa",
  mixHash: ZERO_WORD,
  nonce: "0x0000000000000042",
};

test("the first block of Ethereum is proven by its hash", () => {
  expect(proveHeader(genesis)).toBe("proven");
});

test("fields that a node adds for convenience do not matter", () => {
  expect(proveHeader({ ...genesis, totalDifficulty: "0x1", author: "0x0", size: "0x21c" })).toBe(
    "proven",
  );
  expect(proveHeader({ ...genesis, baseFeePerGas: "0x7", withdrawalsRoot: ZERO_WORD })).toBe(
    "proven",
  );
});

test("a block whose miner is null is that of nobody", () => {
  expect(proveHeader({ ...genesis, miner: null })).toBe("proven");
});

test.each(Object.keys(genesis).filter((field) => field !== "hash"))(
  "a header with another %s is not proven",
  (field) => {
    const value = genesis[field as keyof typeof genesis];
    const changed = value.endsWith("1") ? `${value.slice(0, -1)}2` : `${value.slice(0, -1)}1`;
    expect(proveHeader({ ...genesis, [field]: changed })).toBe("unknown");
  },
);

test("a header without a field that its hash needs says so", () => {
  const { receiptsRoot: _, ...rest } = genesis;
  expect(proveHeader(rest)).toBe("missing");
  expect(proveHeader({ ...genesis, gasUsed: "many" })).toBe("missing");
});
