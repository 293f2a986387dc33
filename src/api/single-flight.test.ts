import { expect, test } from "vitest";
import { singleFlight } from "./single-flight.ts";

/** A read whose answers come when the test says so. */
function heldRead() {
  const started: { answer: (value: number) => void; fail: (error: Error) => void }[] = [];
  const read = () =>
    new Promise<number>((answer, fail) => {
      started.push({ answer, fail });
    });
  return { started, read };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("who asks while a read is in flight gets one that began after they asked", async () => {
  const { started, read } = heldRead();
  const shared = singleFlight(read);
  const first = shared();
  await turn();
  const [second, third] = [shared(), shared()];
  await turn();
  expect(started.length).toBe(1);
  started[0]?.answer(1);
  expect(await first).toBe(1);
  await turn();
  expect(started.length).toBe(2);
  started[1]?.answer(2);
  expect(await Promise.all([second, third])).toEqual([2, 2]);
});

test("who asks after the answer gets a new one", async () => {
  let count = 0;
  const shared = singleFlight(async () => ++count);
  expect(await shared()).toBe(1);
  expect(await shared()).toBe(2);
});

test("a read that fails does so for those who wait for it, and the next one is tried", async () => {
  const { started, read } = heldRead();
  const shared = singleFlight(read);
  const first = shared();
  await turn();
  const second = shared();
  started[0]?.fail(new Error("gone"));
  await expect(first).rejects.toThrow("gone");
  await turn();
  started[1]?.answer(2);
  expect(await second).toBe(2);
});
