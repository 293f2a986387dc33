import { expect, test } from "vitest";
import { problemsOf } from "../../test/support/problems-of.ts";
import { blocksToHash } from "./blocks-to-hash.ts";

test("a block is meant for every chain, or for the chain that stands before it", () => {
  expect(blocksToHash([])).toEqual({ blocks: new Map() });
  expect(blocksToHash(["120"])).toEqual({ block: 120, blocks: new Map() });
  expect(blocksToHash(["7", "11155111:9600000", "10:5"])).toEqual({
    block: 7,
    blocks: new Map([
      [11155111, 9_600_000],
      [10, 5],
    ]),
  });
});

test("every block that cannot be meant is named", () => {
  const problems = problemsOf(() => blocksToHash(["1e3", "10=5", "1", "2"]));
  expect(problems.map(({ where, what }) => `${where}: ${what}`)).toEqual([
    `--block: "1e3" is neither a block nor <chain id>:<block>`,
    `--block: "10=5" is neither a block nor <chain id>:<block>`,
    "--block: there is more than one without a chain id",
  ]);
});
