import { expect, test } from "vitest";
import { runForks } from "../forks/run-forks.ts";

/**
 * The eighth history is the first in which RPC nodes disagree. There the engine can lose events
 * (docs/guarantees.md, "What is not promised"), so it is left to `npm run forks`.
 */
const HISTORIES = 7;

test("Whatever forks and crashes a chain goes through, subscribers are told of it without a contradiction and end with its canonical history", async () => {
  const report = await runForks({
    histories: HISTORIES,
    seed: 1,
    first: 1,
    progress: () => undefined,
  });
  expect(report.differences).toEqual([]);
  expect(report.histories).toBe(HISTORIES);
  expect(report.retractions).toBeGreaterThan(0);
  expect(report.restarts).toBeGreaterThan(0);
});
