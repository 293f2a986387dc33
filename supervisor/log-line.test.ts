import { expect, test } from "vitest";
import { parseLogLine, plainLogLine } from "./log-line.ts";

test("of a log line in JSON a person reads its message and its error's", () => {
  expect(plainLogLine('{"level":50,"msg":"no database","err":{"message":"timeout"}}')).toBe(
    "no database: timeout",
  );
  expect(plainLogLine('{"level":30,"msg":"relay stopped"}')).toBe("relay stopped");
  expect(plainLogLine('{"error":"away"}')).toBe("away");
});

test("an error that the message quotes is not said twice", () => {
  expect(plainLogLine('{"msg":"failed: timeout","err":{"message":"timeout"}}')).toBe(
    "failed: timeout",
  );
  expect(plainLogLine('{"msg":"timeout","err":{"message":"timeout"}}')).toBe("timeout");
});

test("what is no JSON, or JSON that says nothing, is shown as it is", () => {
  for (const line of ["Error: boom", "{broken", '{"level":30}'])
    expect(plainLogLine(line)).toBe(line);
  expect(plainLogLine("  at once ")).toBe("at once");
});

test("only whole JSON objects count as fields", () => {
  expect(parseLogLine('{"a":1}')).toEqual({ a: 1 });
  expect(parseLogLine('{"a":')).toBeNull();
  expect(parseLogLine("[1]")).toBeNull();
});
