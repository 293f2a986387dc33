import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { StopRequest } from "./stop-request.ts";

const said: string[] = [];
let stop: StopRequest;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance"] });
  said.length = 0;
  stop = new StopRequest(
    () => said.push("stop"),
    () => said.push("force"),
  );
});

afterEach(() => {
  stop.close();
  vi.useRealTimers();
});

test("the first Ctrl-C stops, and says so at once; the second forces, once", async () => {
  process.emit("SIGINT", "SIGINT");
  expect(said).toEqual(["stop"]);
  expect(stop.signal.aborted).toBe(true);
  await stop.requested;
  vi.advanceTimersByTime(1_000);
  process.emit("SIGINT", "SIGINT");
  process.emit("SIGINT", "SIGINT");
  expect(said).toEqual(["stop", "force"]);
});

test("the same key press, passed on by npm, is no second one", () => {
  process.emit("SIGINT", "SIGINT");
  vi.advanceTimersByTime(20);
  process.emit("SIGINT", "SIGINT");
  expect(said).toEqual(["stop"]);
});

test.each(["SIGTERM", "SIGHUP"] as const)("%s stops, however often it comes", (signal) => {
  process.emit(signal, signal);
  vi.advanceTimersByTime(1_000);
  process.emit(signal, signal);
  expect(said).toEqual(["stop"]);
});

test("while it ends by itself, Ctrl-C forces", async () => {
  stop.end();
  await stop.requested;
  process.emit("SIGINT", "SIGINT");
  expect(said).toEqual(["force"]);
});

test("once closed it hears nothing more", () => {
  stop.close();
  const heard = process.listenerCount("SIGINT");
  stop = new StopRequest(
    () => said.push("stop"),
    () => said.push("force"),
  );
  expect(process.listenerCount("SIGINT")).toBe(heard + 1);
});

test("output that nobody reads any more stops", () => {
  process.stdout.emit("error", new Error("write EPIPE"));
  process.stdout.emit("error", new Error("write EPIPE"));
  expect(said).toEqual(["stop"]);
});
