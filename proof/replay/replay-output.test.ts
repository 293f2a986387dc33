import { expect, test } from "vitest";
import { replayOutput } from "./replay-output.ts";

const PROGRESS = {
  events: 1_000_000,
  eventsTotal: 2_000_000,
  blocks: 1_000_000,
  blocksTotal: 2_000_000,
  elapsedMs: 100,
  eventsBefore: 0,
  blocksBefore: 0,
};

test("on a terminal the progress is one line, drawn in place: it never wraps", () => {
  const written: string[] = [];
  const write = (text: string) => written.push(text);
  replayOutput({ isTTY: true, columns: 60, write }).progress(PROGRESS);
  expect(written).toHaveLength(1);
  const line = written[0]?.replace("\r\u001b[2K", "") ?? "";
  expect(line).toMatch(/^█+░+ +50 % +1,000,000 of 2,000,000/);
  expect(line).toHaveLength(59);
});

test("elsewhere it is an object per line", () => {
  const written: string[] = [];
  const write = (text: string) => written.push(text);
  replayOutput({ write }).progress(PROGRESS);
  expect(JSON.parse(written[0] ?? "")).toMatchObject({ stage: "build", eventsTotal: 2_000_000 });
});
