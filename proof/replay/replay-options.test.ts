import { describe, expect, test } from "vitest";
import { parseBlocks } from "./replay-options.ts";

const parse = (values: string[], chainIds: number[]) => parseBlocks("--to-block", values, chainIds);

describe("--to-block and --accept-from", () => {
  test("is a block of the one chain that is followed, or of a chain that is named", () => {
    expect(parse([], [1])).toBeNull();
    expect(parse(["7"], [1])).toEqual({ 1: 7 });
    expect(parse(["1:7", "137:9"], [1, 137])).toEqual({ 1: 7, 137: 9 });
  });

  test("is refused without a chain where there are several, for another chain, and twice", () => {
    expect(() => parse(["7"], [1, 137])).toThrow("chains 1, 137");
    expect(() => parse(["5:7"], [1, 137])).toThrow('"5:7"');
    expect(() => parse(["1:7", "1:8"], [1, 137])).toThrow("chain 1 is named twice");
    expect(() => parse(["0x7"], [1])).toThrow('"0x7": expected a block number');
  });
});
