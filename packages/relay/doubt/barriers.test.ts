import { afterEach, expect, test, vi } from "vitest";
import type { PubsubTopics } from "../publish/pubsub-topics.ts";
import { Barriers } from "./barriers.ts";
import type { Receipt } from "./receipts.ts";

afterEach(() => {
  vi.useRealTimers();
});

const SECOND = 1_000;

/** Reads, a page every ten seconds, until the barrier comes as the last of so many. */
async function read(pages: number, isBehind: boolean): Promise<string[]> {
  vi.useFakeTimers({ toFake: ["performance"] });
  const barriers = new Barriers({} as PubsubTopics, {
    ...{ topic: "t", publishTimeoutMs: SECOND },
    ensureReceipts: async () => undefined,
    isReader: () => true,
  });
  const reached: string[] = [];
  let page = 0;
  await barriers.readUntil(
    new Map([["b", "key"]]),
    async () => {
      vi.advanceTimersByTime(10 * SECOND);
      page += 1;
      const receipt = (barrier: string | null) => [{ barrier } as Receipt];
      if (page === pages) return receipt("b");
      return isBehind ? receipt(null) : [];
    },
    async (keys) => void reached.push(...keys),
  );
  return reached;
}

test("A barrier behind many receipts is read as long as they come", async () => {
  expect(await read(60, true)).toEqual(["key"]);
});

test("A barrier that does not come is given up, and so is one behind receipts without an end", async () => {
  await expect(read(60, false)).rejects.toThrow("not read back");
  await expect(read(1_000, true)).rejects.toThrow("not read back");
});
