import { afterEach, expect, test, vi } from "vitest";
import { backoffMs } from "./backoff.ts";

const bounds = { firstMs: 100, maxMs: 5_000 };

afterEach(() => void vi.restoreAllMocks());

function longestWaits(failures: number[]): number[] {
  vi.spyOn(Math, "random").mockReturnValue(1);
  return failures.map((count) => backoffMs(bounds, count));
}

test("every failure doubles the wait, up to the bound", () => {
  expect(longestWaits([1, 2, 3, 4, 5, 6, 7, 8])).toEqual([
    100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000,
  ]);
});

test("a wait is at least half of its full length, so that it never becomes none", () => {
  vi.spyOn(Math, "random").mockReturnValue(0);
  expect(backoffMs(bounds, 1)).toBe(50);
  expect(backoffMs(bounds, 50)).toBe(2_500);
});

test("waits stay finite and within the bound after any number of failures", () => {
  for (const waitMs of longestWaits([31, 32, 1_100, Number.MAX_SAFE_INTEGER]))
    expect(waitMs).toBe(5_000);
});

test("those who failed together do not come back together", () => {
  const waits = Array.from({ length: 50 }, () => backoffMs(bounds, 3));
  expect(new Set(waits).size).toBeGreaterThan(1);
  for (const waitMs of waits) {
    expect(waitMs).toBeGreaterThanOrEqual(200);
    expect(waitMs).toBeLessThanOrEqual(400);
  }
});
