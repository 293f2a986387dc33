import { expect, test } from "vitest";
import { RangeSize } from "./range-size.ts";

/** Reads a chain of so many blocks from a provider that has a limit, and counts the questions. */
function read(blocks: number, size: RangeSize, most: number, allowed: number | null = null) {
  const counts = { asked: 0, refused: 0 };
  for (let at = 0; at < blocks; ) {
    const asked = Math.min(size.blocks, blocks - at);
    counts.asked += 1;
    if (asked > most) {
      counts.refused += 1;
      size.refused(asked, allowed);
    } else {
      size.worked(asked, 0);
      at += asked;
    }
  }
  return counts;
}

test("an empty chain is read in ranges that grow to the most there may be", () => {
  const { asked } = read(10_000_000, new RangeSize(5_000), Infinity);
  expect(asked).toBeLessThan(110);
});

test("a provider's limit is found without being told, and not run into again and again", () => {
  const { asked, refused } = read(1_000_000, new RangeSize(5_000), 2_000);
  expect(asked).toBeLessThan(1_200);
  expect(refused).toBeLessThan(0.1 * asked);
});

test("a limit that the provider names is kept to exactly", () => {
  const size = new RangeSize(5_000);
  while (size.blocks <= 2_000) size.worked(size.blocks, 0);
  size.refused(size.blocks, 2_000);
  expect(size.blocks).toBe(2_000);
  size.worked(2_000, 0);
  expect(size.blocks).toBe(2_000);
});

test("ranges shrink where logs are many, and grow again behind that", () => {
  const size = new RangeSize(5_000);
  size.worked(64, 64 * 150);
  expect(size.blocks).toBe(33);
  size.worked(33, 0);
  expect(size.blocks).toBe(132);
});

test("a limit of one block is reached and never undercut", () => {
  const size = new RangeSize(5_000);
  for (let refusal = 0; refusal < 20; refusal++) size.refused(size.blocks, null);
  expect(size.blocks).toBe(1);
});

test("a hint that is no smaller than what was refused is not believed", () => {
  const size = new RangeSize(5_000);
  size.refused(64, 64);
  expect(size.blocks).toBe(32);
});
