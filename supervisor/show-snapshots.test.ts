import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Output } from "./output.ts";
import { showSnapshots } from "./show-snapshots.ts";
import type { Snapshot, SnapshotReader } from "./snapshot.ts";

const said: string[] = [];
const stop = new AbortController();
const output = {
  state: (text: string | null) => said.push(`state ${text}`),
  notice: (text: string) => said.push(text),
  snapshot: ({ events }: Snapshot) => said.push(`events ${events}`),
} as unknown as Output;

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const snapshotOf = (events: number, indexed: number | null): Snapshot => ({
  chains: [{ name: "local", chainId: 1, head: 9, indexed, finalized: null }],
  escrows: 1,
  events,
  anomalies: 0,
  publications: [],
});

test("snapshots are shown until the end; a failure is said once, and that it starts until it is indexed", async () => {
  const answers = [
    snapshotOf(0, null),
    new Error("no database"),
    new Error("no database"),
    snapshotOf(1, 5),
    new Error("no database"),
    snapshotOf(2, 6),
  ];
  const reader = {
    read: async () => {
      const answer = answers.shift();
      if (answers.length === 0) stop.abort();
      if (answer instanceof Error) throw answer;
      return answer;
    },
  } as unknown as SnapshotReader;
  const showing = showSnapshots(reader, output, stop.signal);
  await vi.runAllTimersAsync();
  await showing;
  expect(said).toEqual([
    "events 0",
    "the state cannot be read: no database",
    "events 1",
    "state null",
    "the state cannot be read: no database",
    "events 2",
  ]);
});
