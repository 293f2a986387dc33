import { expect, test } from "vitest";
import { DocumentCache } from "./document-cache.ts";

test("The question unused for longest goes first, and no long one stays", () => {
  const cache = new DocumentCache<number>();
  for (let n = 0; n < 1_000; n++) cache.set(`question ${n}`, n);
  expect(cache.get("question 0")).toBe(0);
  cache.set("one more", 1);
  expect([cache.get("question 0"), cache.get("question 1"), cache.get("one more")]).toEqual([
    0,
    undefined,
    1,
  ]);
  cache.set("x".repeat(4_001), 1);
  expect(cache.get("x".repeat(4_001))).toBeUndefined();
});

test("What is remembered is bounded by the length of all questions together", () => {
  const cache = new DocumentCache<number>();
  const question = (n: number) => String(n).padStart(3_000, "x");
  for (let n = 0; n < 101; n++) cache.set(question(n), n);
  expect([cache.get(question(0)), cache.get(question(1))]).toEqual([undefined, 1]);
});
