import { expect, test } from "vitest";
import { EmptyStretches } from "./empty-stretches.ts";

const FILTER = "1 escrow";

test("What was looked through for a filter is not again, wherever in it a client comes back", () => {
  const stretches = new EmptyStretches();
  stretches.remember(FILTER, { from: 100, to: 5_000 });
  expect(stretches.skip(FILTER, 99)).toBe(99);
  expect(stretches.skip(FILTER, 100)).toBe(5_000);
  expect(stretches.skip(FILTER, 4_999)).toBe(5_000);
  expect(stretches.skip(FILTER, 5_000)).toBe(5_000);
  expect(stretches.skip("another", 100)).toBe(100);
  stretches.remember(FILTER, { from: 3_000, to: 9_000 });
  expect(stretches.skip(FILTER, 100)).toBe(9_000);
});

test("A stretch that is not joined to the one that is known takes its place only when it is longer", () => {
  const stretches = new EmptyStretches();
  stretches.remember(FILTER, { from: 0, to: 1_000 });
  stretches.remember(FILTER, { from: 2_000, to: 2_900 });
  expect(stretches.skip(FILTER, 2_000)).toBe(2_000);
  stretches.remember(FILTER, { from: 2_000, to: 4_000 });
  expect(stretches.skip(FILTER, 2_000)).toBe(4_000);
  expect(stretches.skip(FILTER, 0)).toBe(0);
});

test("Filters are forgotten, the oldest first, when there are too many", () => {
  const stretches = new EmptyStretches();
  for (let at = 0; at <= 10_000; at += 1) stretches.remember(`filter ${at}`, { from: 0, to: 500 });
  expect(stretches.skip("filter 0", 0)).toBe(0);
  expect(stretches.skip("filter 1", 0)).toBe(500);
});
