import { status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { classifyPublishError, codeName } from "./publish-error.ts";

const failed = (code: number) => Object.assign(new Error("refused"), { code });
const refusals = {
  topic: ["NOT_FOUND", "PERMISSION_DENIED", "UNAUTHENTICATED", "FAILED_PRECONDITION"],
  message: ["INVALID_ARGUMENT", "OUT_OF_RANGE"],
} as const;

describe("a failed publish", () => {
  test.each(refusals.topic)("with %s is the topic's: nothing goes through", (name) => {
    expect(classifyPublishError(failed(status[name]))).toBe("topic");
  });

  test.each(refusals.message)("with %s is the message's: it will never be taken", (name) => {
    expect(classifyPublishError(failed(status[name]))).toBe("message");
  });

  test("with any other code may have been accepted all the same", () => {
    const known = new Set<string>([...refusals.topic, ...refusals.message]);
    const others = Object.entries(status).filter(
      ([name, code]) => typeof code === "number" && !known.has(name),
    );
    expect(others.map(([name]) => name)).toContain("DEADLINE_EXCEEDED");
    expect(others.map(([name]) => name)).toContain("UNAVAILABLE");
    for (const [name, code] of others)
      expect(classifyPublishError(failed(code as number)), name).toBe("unknown");
    expect(classifyPublishError(failed(99))).toBe("unknown");
  });

  test("without a gRPC code may have been accepted all the same", () => {
    expect(classifyPublishError(new Error("socket hang up"))).toBe("unknown");
    const reset = Object.assign(new Error("reset"), { code: "ECONNRESET" });
    expect(classifyPublishError(reset)).toBe("unknown");
  });
});

test("a code is named for logs and metrics", () => {
  expect(codeName(failed(status.UNAVAILABLE))).toBe("UNAVAILABLE");
  expect(codeName(failed(99))).toBe("99");
  expect(codeName(new Error("no code"))).toBe("none");
});
