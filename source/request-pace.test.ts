import { expect, test } from "vitest";
import { type Clock, RequestPace } from "./request-pace.ts";

/** Time that passes while somebody sleeps. */
function manualClock(): Clock & { nowMs: number } {
  const clock = {
    nowMs: 0,
    now: () => clock.nowMs,
    sleep: async (ms: number) => {
      clock.nowMs = Math.max(clock.nowMs, clock.nowMs + ms);
    },
  };
  return clock;
}

test("requests are spread over the second that the provider allows them in", async () => {
  const clock = manualClock();
  const pace = new RequestPace(10, clock);
  const at: number[] = [];
  for (let request = 0; request < 21; request++) {
    await pace.turn();
    at.push(clock.nowMs);
  }
  expect(at.slice(0, 3)).toEqual([0, 100, 200]);
  expect(at.at(-1)).toBe(2_000);
});

test("an idle time saves up no requests", async () => {
  const clock = manualClock();
  const pace = new RequestPace(10, clock);
  await pace.turn();
  clock.nowMs = 60_000;
  await pace.turn();
  await pace.turn();
  expect(clock.nowMs).toBe(60_100);
});

test("after a complaint nobody asks for as long as the provider wants, and then more slowly", async () => {
  const clock = manualClock();
  const pace = new RequestPace(10, clock);
  await pace.turn();
  pace.slowDown(7_000);
  await pace.turn();
  expect(clock.nowMs).toBe(7_000);
  await pace.turn();
  expect(clock.nowMs).toBe(7_200);
  for (let answer = 0; answer < 100; answer++) pace.worked();
  expect(pace.perSecond).toBe(10);
});

test("a complaint also stops those who were already waiting for their turn", async () => {
  let nowMs = 0;
  const sleepers: { untilMs: number; wake: () => void }[] = [];
  const clock: Clock = {
    now: () => nowMs,
    sleep: (ms) =>
      new Promise<void>((wake) => sleepers.push({ untilMs: nowMs + ms, wake: () => wake() })),
  };
  const pace = new RequestPace(10, clock);
  await pace.turn();
  let hadTurn = false;
  const waiting = pace.turn().then(() => {
    hadTurn = true;
  });
  pace.slowDown(5_000);
  nowMs = 100;
  sleepers.shift()?.wake();
  await Promise.resolve();
  await Promise.resolve();
  expect(hadTurn).toBe(false);
  nowMs = 5_000;
  sleepers.shift()?.wake();
  await waiting;
  expect(hadTurn).toBe(true);
});
