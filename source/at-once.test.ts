import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { AtOnce } from "./at-once.ts";

test("two go on at once, the others follow in the order in which they came, failed ones too", async () => {
  const atOnce = new AtOnce(2);
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const all = [0, 1, 2, 3].map((which) =>
    atOnce.run(async () => {
      begun.push(which);
      await new Promise<void>((resolve) => ends.push(resolve));
      if (which === 1) throw new Error("failed");
      return which;
    }),
  );
  const settled = Promise.allSettled(all);
  await setImmediate();
  expect(begun).toEqual([0, 1]);
  ends[1]?.();
  await setImmediate();
  expect(begun).toEqual([0, 1, 2]);
  for (let end = 0; end < 4; end++) {
    ends[end]?.();
    await setImmediate();
  }
  expect((await settled).map(({ status }) => status)).toEqual([
    ...["fulfilled", "rejected", "fulfilled", "fulfilled"],
  ]);
});
