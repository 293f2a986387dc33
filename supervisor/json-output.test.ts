import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { jsonOutput } from "./json-output.ts";

/** What pino and we write, line by line. */
let written: string[] = [];

vi.mock("pino", () => ({
  pino: Object.assign(
    () => {
      const write =
        (level: string) =>
        (first: object | string, msg?: string): void => {
          const fields = typeof first === "string" ? { msg: first } : { ...first, msg };
          written.push(JSON.stringify({ level, ...fields }));
        };
      return { info: write("info"), warn: write("warn") };
    },
    { destination: () => ({ on: () => undefined }) },
  ),
}));

beforeEach(() => {
  written = [];
  vi.useFakeTimers({ toFake: ["performance"] });
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    written.push(String(text).trimEnd());
    return true;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const lines = () => written.splice(0).map((line) => JSON.parse(line));
const message = { topic: "a", type: "Approved", escrow: "0xe5", sequence: "1" };
const snapshot = { chains: [], escrows: 1, events: 2, anomalies: 0, publications: [] };

test("every line is JSON: states, notices, and what the processes say, with their name", () => {
  const output = jsonOutput();
  output.state("starting");
  output.state(null);
  output.banner(["PostgreSQL  here"]);
  output.notice("careful");
  output.line("relay", '{"msg":"started"}');
  output.line("indexer", "plain words");
  output.close({ events: 2 });
  expect(lines()).toEqual([
    { level: "info", event: "stack.state", msg: "starting" },
    { level: "info", event: "stack.address", msg: "PostgreSQL  here" },
    { level: "warn", event: "stack.notice", msg: "careful" },
    { msg: "started", process: "relay" },
    { level: "info", event: "process.output", process: "indexer", msg: "plain words" },
    { summary: { events: 2 } },
  ]);
});

test("the state comes at once, and then every five seconds", () => {
  const output = jsonOutput();
  output.snapshot(snapshot);
  output.snapshot(snapshot);
  expect(lines()).toHaveLength(1);
  vi.advanceTimersByTime(5_000);
  output.snapshot(snapshot);
  expect(lines()).toMatchObject([{ msg: "status", events: 2 }]);
});

test("of a backlog twenty messages are shown, of each topic, until the next state", () => {
  const output = jsonOutput();
  for (let count = 0; count < 50; count++) output.message(message);
  output.message({ ...message, topic: "b" });
  expect(lines().map(({ topic }) => topic)).toEqual([...Array(20).fill("a"), "b"]);
  output.snapshot(snapshot);
  output.message(message);
  expect(lines().at(-1)).toMatchObject({ topic: "a", msg: "message at the subscriber" });
});

test("without a summary there is no last line", () => {
  jsonOutput().close(null);
  expect(lines()).toEqual([]);
});
