import { expect, test } from "vitest";
import { runForks } from "../forks/run-forks.ts";

test("Whatever forks, crashes and disagreements a chain goes through, subscribers are told of it without a contradiction and end with its canonical history", async () => {
  const report = await runForks({ histories: 8, seed: 1, first: 1, progress: () => undefined });
  expect(report.differences).toEqual([]);
  expect(report.histories).toBe(8);
  expect(report.retractions).toBeGreaterThan(0);
  expect(report.restarts).toBeGreaterThanOrEqual(5);
});
