import { describe, expect, test } from "vitest";
import { parseReplayOptions, parseToBlocks } from "./replay-options.ts";

describe("the command line of npm run replay", () => {
  test("swaps after a look and removes the old deployment a minute later, unless told otherwise", () => {
    expect(parseReplayOptions([], ".data")).toEqual({
      help: false,
      graceMs: 60_000,
      isDryRun: false,
      acceptsDifferences: false,
      limit: 20,
      dataDir: ".data",
      toBlock: [],
    });
  });

  test("reads every option", () => {
    const args = "--grace 2m --limit 5 --accept-differences --data-dir /srv/x".split(" ");
    expect(parseReplayOptions(args, ".data")).toMatchObject({
      graceMs: 120_000,
      limit: 5,
      acceptsDifferences: true,
      dataDir: "/srv/x",
    });
    expect(parseReplayOptions(["--keep"], ".data").graceMs).toBeNull();
    expect(parseReplayOptions(["--dry-run"], ".data").isDryRun).toBe(true);
  });

  test("never swaps with --to-block", () => {
    expect(parseReplayOptions(["--to-block", "9"], ".data").isDryRun).toBe(true);
    expect(() => parseReplayOptions(["--to-block", "9", "--accept-differences"], ".data")).toThrow(
      "--to-block nothing is ever swapped",
    );
  });

  test("names everything that it cannot read", () => {
    expect(() => parseReplayOptions(["--grace", "soon", "--limit=-1x"], ".data")).toThrow(
      /--grace: "soon" is not a time[\s\S]*--limit: "-1x"/,
    );
    expect(() => parseReplayOptions(["--graze"], ".data")).toThrow("--graze");
  });
});

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
