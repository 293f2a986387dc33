import { describe, expect, test } from "vitest";
import { parseToBlocks } from "./replay-options.ts";

describe("--to-block", () => {
  test("is a block of the one chain that is followed, or of a chain that is named", () => {
    expect(parseToBlocks([], [1])).toBeNull();
    expect(parseToBlocks(["7"], [1])).toEqual({ 1: 7 });
    expect(parseToBlocks(["1:7", "137:9"], [1, 137])).toEqual({ 1: 7, 137: 9 });
  });

  test("is refused without a chain where there are several, for another chain, and twice", () => {
    expect(() => parseToBlocks(["7"], [1, 137])).toThrow("chains 1, 137");
    expect(() => parseToBlocks(["5:7"], [1, 137])).toThrow('"5:7"');
    expect(() => parseToBlocks(["1:7", "1:8"], [1, 137])).toThrow("chain 1 is named twice");
    expect(() => parseToBlocks(["0x7"], [1])).toThrow('"0x7": expected a block number');
  });
});
