import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { terminalOutput } from "./terminal-output.ts";

let folder: string;
let written = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "terminal-output-"));
  written = "";
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    written += String(text);
    return true;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  rmSync(folder, { recursive: true });
});

/** What was written since this was asked last. */
function take(): string {
  const taken = written;
  written = "";
  return taken;
}

test("a state, a notice and the first message are on the screen at once", () => {
  const output = terminalOutput(folder);
  output.state("starting");
  expect(take()).toContain("starting");
  output.notice("careful");
  expect(take()).toContain("! careful");
  output.message({ topic: "a.events.v1", type: "Approved", escrow: "0xe5", sequence: "1" });
  expect(take()).toContain("0xe5 #1");
  output.close(null);
});

test("everything else is drawn a few times a second, until it is closed", () => {
  const output = terminalOutput(folder);
  output.snapshot({ chains: [], escrows: 7, events: 8, anomalies: 0, publications: [] });
  take();
  vi.advanceTimersByTime(250);
  expect(take()).toContain("escrows 7   events 8");
  output.close(null);
  take();
  vi.advanceTimersByTime(1_000);
  expect(take()).toBe("");
});

test("the processes' lines go to a file for each, whose folder is made for the first", async () => {
  const logs = join(folder, "logs");
  const output = terminalOutput(logs);
  expect(existsSync(logs)).toBe(false);
  output.line("relay", '{"msg":"one"}');
  output.line("relay", '{"msg":"two"}');
  output.close(null);
  await vi.waitFor(() =>
    expect(readFileSync(join(logs, "relay.log"), "utf8")).toBe('{"msg":"one"}\n{"msg":"two"}\n'),
  );
});

test("the summary is the last line, after the last frame", () => {
  const output = terminalOutput(folder);
  output.close({ events: 8 });
  expect(take()).toMatch(/escrow-stream.*\n\{"summary":\{"events":8\}\}\n$/s);
});
