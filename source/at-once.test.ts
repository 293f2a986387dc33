import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { AtOnce } from "./at-once.ts";
import { type RawReceipt, receiptsRootOf } from "./receipts-root.ts";

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

test("while a large block's receipts are proven, others get a turn", async () => {
  const receipts = Array.from(
    { length: 1_000 },
    (_, index): RawReceipt => ({
      ...{ type: "0x2", status: "0x1", cumulativeGasUsed: "0x5208", logs: [] },
      ...{ logsBloom: `0x${"0".repeat(512)}`, transactionIndex: `0x${index.toString(16)}` },
    }),
  );
  let isDone = false;
  let turns = 0;
  const root = receiptsRootOf(receipts).finally(() => {
    isDone = true;
  });
  while (!isDone) {
    await setImmediate();
    turns += 1;
  }
  await root;
  expect(turns).toBeGreaterThan(20);
});
