import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Signal } from "./signal.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Whether the wait has ended, once everything that was ready has run. */
async function hasEnded(wait: Promise<void>): Promise<boolean> {
  let ended = false;
  void wait.then(() => {
    ended = true;
  });
  await vi.advanceTimersByTimeAsync(0);
  return ended;
}

test("a waiter is woken by the next signal", async () => {
  const signal = new Signal();
  const wait = signal.wait();
  expect(await hasEnded(wait)).toBe(false);
  signal.set();
  expect(await hasEnded(wait)).toBe(true);
});

test("a signal that nobody waits for is kept for the next waiter", async () => {
  const signal = new Signal();
  signal.set();
  expect(await hasEnded(signal.wait())).toBe(true);
});

test("several kept signals wake one wait, not several", async () => {
  const signal = new Signal();
  signal.set();
  signal.set();
  expect(await hasEnded(signal.wait())).toBe(true);
  expect(await hasEnded(signal.wait())).toBe(false);
});

test("a signal that has woken somebody is spent", async () => {
  const signal = new Signal();
  const first = signal.wait();
  signal.set();
  await first;
  expect(await hasEnded(signal.wait())).toBe(false);
});

test("a wait ends by itself after its time-out, and not before", async () => {
  const signal = new Signal();
  const wait = signal.wait(1_000);
  await vi.advanceTimersByTimeAsync(999);
  expect(await hasEnded(wait)).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(await hasEnded(wait)).toBe(true);
  expect(await hasEnded(signal.wait())).toBe(false);
});

test("a wait that was signalled leaves no timer behind", async () => {
  const signal = new Signal();
  const wait = signal.wait(60_000);
  signal.set();
  await wait;
  expect(vi.getTimerCount()).toBe(0);
});
