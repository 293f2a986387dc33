import { describe, expect, test } from "vitest";
import { type Progress, progressFigures, progressLine } from "./progress.ts";
import { replayOutput } from "./replay-output.ts";

const halfWay: Progress = {
  events: 30_000,
  eventsTotal: 60_000,
  blocks: 400,
  blocksTotal: 1_000,
  elapsedMs: 10_000,
  eventsBefore: 0,
  blocksBefore: 0,
};

describe("the progress of a replay", () => {
  test("tells rate and time left by the events", () => {
    expect(progressFigures(halfWay)).toMatchObject({ eventsPerSecond: 3_000, secondsLeft: 10 });
  });

  test("counts only what this run has done when it goes on with an older one", () => {
    expect(progressFigures({ ...halfWay, eventsBefore: 20_000 })).toMatchObject({
      eventsPerSecond: 1_000,
      secondsLeft: 30,
    });
  });

  test("goes by the blocks once there are no events to come", () => {
    const progress = { ...halfWay, events: 60_000 };
    expect(progressFigures(progress)).toMatchObject({ secondsLeft: 15 });
  });

  test("does not guess before anything is done", () => {
    expect(progressFigures({ ...halfWay, events: 0, blocks: 0 }).secondsLeft).toBeNull();
    expect(progressFigures({ ...halfWay, elapsedMs: 0 }).secondsLeft).toBeNull();
  });

  test("is a bar on a terminal", () => {
    expect(progressLine(progressFigures(halfWay))).toBe(
      "████████████░░░░░░░░░░░░  50 %  30,000 of 60,000 events  400 of 1,000 blocks  3,000 events/s  10 s left",
    );
  });

  test("is one line of JSON a second elsewhere", () => {
    const written: string[] = [];
    let nowMs = 0;
    const output = replayOutput({ write: (text: string) => written.push(text) }, () => nowMs);
    for (; nowMs <= 2_500; nowMs += 250) output.progress(halfWay);
    output.say("built", "all there", { events: 3 });
    expect(written.map((line) => JSON.parse(line))).toEqual([
      ...Array(3).fill({ stage: "build", ...progressFigures(halfWay) }),
      { stage: "built", text: "all there", events: 3 },
    ]);
  });
});
