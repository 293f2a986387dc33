import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Delivery, KeyLanes, type Verdict, type Work } from "./key-lanes.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const OPTIONS = {
  concurrency: 2,
  batchSize: 3,
  earlyHoldMs: 1_000,
  maxEarlyHoldMs: 30_000,
  roomFor: 500,
};
const DONE: Verdict = { status: "done", early: [], mayHaveParked: false };

function delivery(orderingKey: string, sequence: number) {
  const envelope = { publication: "t", orderingKey, sequence, messageId: "", hash: "" };
  const source = { data: Buffer.of(), attributes: {} };
  return { envelope: { ...envelope, source }, ack: vi.fn(), nack: vi.fn() };
}

/** Lanes whose work ends when and as the test says. */
function lanesWith(options = OPTIONS) {
  const begun: { work: Work; end: (verdict: Verdict) => Promise<void> }[] = [];
  const lanes = new KeyLanes({
    ...options,
    process: (work) =>
      new Promise((resolve) => {
        begun.push({
          work,
          end: async (verdict) => {
            resolve(verdict);
            await vi.advanceTimersByTimeAsync(0);
          },
        });
      }),
  });
  const sequences = () =>
    begun.map(({ work }) => work.deliveries.map(({ envelope }) => envelope.sequence));
  const last = () => begun.at(-1) as (typeof begun)[number];
  return { lanes, begun, sequences, last };
}

describe("The lanes of a consumer", () => {
  test("have one worker per key and no more workers than allowed", async () => {
    const { lanes, begun, sequences, last } = lanesWith();
    for (const key of ["a", "a", "b", "c"]) lanes.add(delivery(key, 1));
    expect(begun.map(({ work }) => work.key.orderingKey)).toEqual(["a", "b"]);
    await last().end(DONE);
    expect(last().work.key.orderingKey).toBe("c");
    await begun[0]?.end(DONE);
    expect(last().work.key.orderingKey).toBe("a");
    expect(sequences()).toHaveLength(4);
  });

  test("take the messages of a key by sequence, a batch at a time", async () => {
    const { lanes, sequences, last } = lanesWith();
    for (const sequence of [1, 5, 3, 4, 2]) lanes.add(delivery("a", sequence));
    await last().end(DONE);
    await last().end(DONE);
    expect(sequences()).toEqual([[1], [2, 3, 4], [5]]);
    expect(lanes.size).toBe(1);
    await last().end(DONE);
    expect(lanes.size).toBe(0);
  });

  test("keep an early message until its predecessor comes, or hand it back", async () => {
    const { lanes, sequences, last } = lanesWith();
    const [third, fourth] = [delivery("a", 3), delivery("a", 4)];
    lanes.add(third);
    await last().end({ ...DONE, early: [third] });
    await vi.advanceTimersByTimeAsync(999);
    lanes.add(delivery("a", 2));
    expect(sequences()).toEqual([[3], [2, 3]]);
    await last().end(DONE);
    lanes.add(fourth);
    await last().end({ ...DONE, early: [fourth] });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(fourth.nack).toHaveBeenCalledOnce();
    expect(third.nack).not.toHaveBeenCalled();
    expect(lanes.size).toBe(0);
  });

  test("do not spin on more early messages than fit a batch", async () => {
    const { lanes, begun, last } = lanesWith();
    const all = [6, 7, 8, 9, 10].map((sequence) => delivery("a", sequence));
    for (const each of all) lanes.add(each);
    await last().end({ ...DONE, early: last().work.deliveries });
    await last().end({ ...DONE, early: last().work.deliveries });
    expect(begun).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1_000);
    for (const each of all) expect(each.nack).toHaveBeenCalledOnce();
  });

  test("hand a whole key back, after a pause, when it failed", async () => {
    const { lanes, begun, last } = lanesWith();
    const [first, second] = [delivery("a", 1), delivery("a", 2)];
    lanes.add(first);
    await last().end({ status: "failed", retryAfterMs: 500 });
    lanes.add(second);
    await vi.advanceTimersByTimeAsync(499);
    expect(first.nack).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect([first, second].map(({ nack }) => nack.mock.calls.length)).toEqual([1, 1]);
    expect(begun).toHaveLength(1);
  });

  test("take messages singly after a batch failed, and what is parked behind them", async () => {
    const { lanes, begun, sequences, last } = lanesWith();
    lanes.add(delivery("a", 1));
    for (const sequence of [2, 3]) lanes.add(delivery("a", sequence));
    await last().end(DONE);
    await last().end({ status: "one-by-one" });
    await last().end(DONE);
    await last().end({ ...DONE, mayHaveParked: true });
    expect(sequences()).toEqual([[1], [2, 3], [2], [3], []]);
    expect(begun.map(({ work }) => work.oneByOne)).toEqual([false, false, true, true, true]);
  });

  test("hand back what is not begun when told to stop, and wait for what is", async () => {
    const { lanes, begun, last } = lanesWith({ ...OPTIONS, concurrency: 1 });
    const all = ["a", "a", "b"].map((key, i) => delivery(key, i + 1));
    for (const each of all) lanes.add(each);
    let isStopped = false;
    const stopped = lanes.stop().then(() => {
      isStopped = true;
    });
    const late = delivery("c", 1);
    lanes.add(late);
    await vi.advanceTimersByTimeAsync(0);
    expect(isStopped).toBe(false);
    await last().end(DONE);
    await stopped;
    const handedBack = [...all, late].map(({ nack }) => nack.mock.calls.length);
    expect(handedBack).toEqual([0, 1, 1, 1]);
    expect(begun).toHaveLength(1);
    expect(lanes.size).toBe(0);
  });

  test("wake a key for what is parked", async () => {
    const { lanes, begun, last } = lanesWith();
    lanes.addParked({ publication: "t", orderingKey: "a" });
    expect(last().work).toEqual({
      key: { publication: "t", orderingKey: "a" },
      deliveries: [] satisfies Delivery[],
      oneByOne: false,
    });
    await last().end(DONE);
    expect(begun).toHaveLength(1);
  });
});
