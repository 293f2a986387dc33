import { join } from "node:path";
import { pathToFileURL } from "node:url";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  blockOf,
  type Checkpoint,
  compareCheckpoints,
  endOfBlock,
  formatCheckpoint,
  isPositionOfLog,
  parseCheckpoint,
  positionOfLog,
} from "./checkpoint.ts";

const ENGINE = join(import.meta.dirname, "../node_modules/ponder/dist/esm/utils/checkpoint.js");

const digits = (count: number) => fc.bigInt({ min: 0n, max: 10n ** BigInt(count) - 1n });
const checkpoints = fc.record<Checkpoint>({
  timestamp: digits(10),
  chainId: digits(16),
  blockNumber: digits(16),
  transactionIndex: digits(16),
  eventType: digits(1),
  eventIndex: digits(16),
});

test("a checkpoint is what was written, once it is read again", () => {
  fc.assert(
    fc.property(checkpoints, (checkpoint) => {
      expect(parseCheckpoint(formatCheckpoint(checkpoint))).toEqual(checkpoint);
    }),
  );
});

test("checkpoints sort as text in the order of their fields", () => {
  fc.assert(
    fc.property(checkpoints, checkpoints, (one, other) => {
      const difference = Object.entries(one)
        .map(([name, value]) => Number(value - other[name as keyof Checkpoint]))
        .find((each) => each !== 0);
      const order = compareCheckpoints(formatCheckpoint(one), formatCheckpoint(other));
      expect(order).toBe(Math.sign(difference ?? 0));
    }),
  );
});

test("the engine writes the same checkpoints, and reads ours", async () => {
  const engine = await import(pathToFileURL(ENGINE).href);
  fc.assert(
    fc.property(checkpoints, ({ timestamp, eventType, ...rest }) => {
      const theirs = { ...rest, blockTimestamp: timestamp, eventType: Number(eventType) };
      const text = formatCheckpoint({ ...rest, timestamp, eventType });
      expect(engine.encodeCheckpoint(theirs)).toBe(text);
      expect(engine.decodeCheckpoint(text)).toEqual(theirs);
    }),
  );
  expect(BigInt(engine.EVENT_TYPES.logs)).toBe(parseCheckpoint(position(3)).eventType);
});

test("a log lies before the end of its block, and behind the end of the one before", () => {
  const [before, log, end] = [endOf(6), position(7), endOf(7)];
  expect([end, log, before].sort(compareCheckpoints)).toEqual([before, log, end]);
  expect([before, log, end].map(blockOf)).toEqual([6, 7, 7]);
  expect([before, log, end].map(isPositionOfLog)).toEqual([false, true, false]);
});

test.each(["", "7", "9".repeat(74), "9".repeat(76), `${"9".repeat(74)}x`])(
  "%j is no checkpoint",
  (text) => {
    expect(() => parseCheckpoint(text)).toThrow("not a checkpoint of 75 digits");
    expect(isPositionOfLog(text)).toBe(false);
  },
);

test.each([10n ** 16n, -1n])("block %s does not fit into a checkpoint", (blockNumber) => {
  expect(() => formatCheckpoint({ ...parseCheckpoint(position(1)), blockNumber })).toThrow(
    "a checkpoint's blockNumber has 16 digits",
  );
});

function position(blockNumber: number): string {
  const block = { timestamp: 1_700_000_000n + BigInt(blockNumber), chainId: 7, blockNumber };
  return positionOfLog({ ...block, transactionIndex: 2, logIndex: 4 });
}

function endOf(blockNumber: number): string {
  const timestamp = 1_700_000_000n + BigInt(blockNumber);
  return endOfBlock({ timestamp, chainId: 7, blockNumber });
}
