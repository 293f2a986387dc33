import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { HintedPause } from "./hinted-pause.ts";

const POLL_MS = 250;
const { signal } = new AbortController();

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Looks again and again; what it found is what `finds` says. */
function look(finds: () => boolean) {
  let hint = (): void => undefined;
  const on = (listener: () => void) => {
    hint = listener;
    return () => undefined;
  };
  const pause = new HintedPause({ on }, POLL_MS);
  const seen = { looks: 0, hint: () => hint() };
  void (async () => {
    for (;;) {
      seen.looks += 1;
      await pause.wait(finds(), signal);
    }
  })();
  return seen;
}

test("Without a hint the clock says when to look, and a hint says it at once", async () => {
  const seen = look(() => false);
  await vi.advanceTimersByTimeAsync(4 * POLL_MS);
  expect(seen.looks).toBe(5);
  seen.hint();
  await vi.advanceTimersByTimeAsync(10);
  expect(seen.looks).toBe(6);
});

test("A flood of hints that lead to nothing causes hardly more looks than the clock", async () => {
  const seen = look(() => false);
  for (let ms = 0; ms < 10_000; ms += 1) {
    seen.hint();
    await vi.advanceTimersByTimeAsync(1);
  }
  expect(seen.looks).toBeLessThan(10_000 / POLL_MS + 10);
});

test("Hints that lead to something are followed at once, however many there are", async () => {
  const seen = look(() => true);
  for (let ms = 0; ms < 1_000; ms += 1) {
    seen.hint();
    await vi.advanceTimersByTimeAsync(1);
  }
  expect(seen.looks).toBeGreaterThan(80);
  expect(seen.looks).toBeLessThan(120);
});
