import { expect, test } from "vitest";
import { SPECIALS } from "../forks/history-player.ts";
import { runForks } from "../forks/run-forks.ts";

/** As many as there are kinds of disturbance: they take turns. */
const HISTORIES = SPECIALS.length;

test("Whatever forks and crashes a chain goes through, subscribers receive it without a contradiction and end with its canonical history [G-5]", async () => {
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
}, 1_200_000);
