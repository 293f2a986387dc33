import { expect, test } from "vitest";
import { type End, endAll } from "./end-all.ts";

test("the last thing that was begun ends first, and nothing is ended twice", async () => {
  const order: number[] = [];
  const ends: End[] = [1, 2, 3].map((one) => () => order.push(one));
  await endAll(ends);
  await endAll(ends);
  expect(order).toEqual([3, 2, 1]);
});

test("one that fails does not keep the others from ending", async () => {
  const order: number[] = [];
  const ends: End[] = [
    () => order.push(1),
    () => {
      throw new Error("first");
    },
    async () => {
      throw new Error("second");
    },
    () => order.push(4),
  ];
  await expect(endAll(ends)).rejects.toThrow("second");
  expect(order).toEqual([4, 1]);
});
