import { PubsubAway, TopicUnusable } from "@escrow-stream/relay";
import { afterEach, describe, expect, test, vi } from "vitest";
import { classifyError } from "./classify-error.ts";
import { CodedError } from "./coded-error.ts";
import { ConfigError } from "./config-error.ts";
import { ERRORS, EXIT_CONFIG, EXIT_NEGATIVE, EXIT_RETRY } from "./error-catalogue.ts";
import { exitWith } from "./exit-with.ts";

const system = (code: string, syscall: string) =>
  Object.assign(new Error(`${code}: ${syscall}`), { code, syscall });
const sql = (code: string, message = "said by the server") =>
  Object.assign(new Error(message), { code });

describe("an error is", () => {
  test.each([
    ["a port that is taken", system("EADDRINUSE", "listen"), "ES-PORT", EXIT_CONFIG],
    ["a reserved port", system("EACCES", "listen"), "ES-PORT", EXIT_CONFIG],
    ["a file that is not there", system("ENOENT", "open"), "ES-FILE", EXIT_NEGATIVE],
    ["a full disk", system("ENOSPC", "write"), "ES-FILE", EXIT_NEGATIVE],
    [
      "somebody who does not answer",
      system("ECONNREFUSED", "connect"),
      "ES-UNREACHABLE",
      EXIT_RETRY,
    ],
    ["a wrong password", sql("28P01"), "ES-DATABASE-REFUSED", EXIT_CONFIG],
    ["a missing privilege", sql("42501"), "ES-DATABASE-REFUSED", EXIT_CONFIG],
    ["a server that stops", sql("57P01"), "ES-DATABASE-UNREACHABLE", EXIT_RETRY],
    ["too many connections", sql("53300"), "ES-DATABASE-UNREACHABLE", EXIT_RETRY],
    [
      "a lost connection",
      new Error("Connection terminated unexpectedly"),
      "ES-DATABASE-UNREACHABLE",
      EXIT_RETRY,
    ],
    ["a topic of the relay's", new TopicUnusable("no topic x"), "ES-TOPIC-UNUSABLE", EXIT_CONFIG],
    [
      "Pub/Sub that is away",
      new PubsubAway({ projectId: "p" }, new Error("x")),
      "ES-PUBSUB-UNREACHABLE",
      EXIT_RETRY,
    ],
    [
      "an answer that is no",
      new CodedError("ES-NOTHING-TO-SHOW", "no such escrow"),
      "ES-NOTHING-TO-SHOW",
      EXIT_NEGATIVE,
    ],
    ["anything else", new TypeError("x is not a function"), "ES-UNEXPECTED", EXIT_RETRY],
  ])("%s", (_, error, code, exitCode) => {
    const classified = classifyError(error);
    expect(classified).toMatchObject({ code, exitCode, cause: error });
    expect(classified.message).toContain(`${code}: `);
    expect(classified.message).toContain((error as Error).message);
  });
});

test("only what nobody foresaw has a stack trace", () => {
  expect(classifyError(new Error("bug")).message).toMatch(/\n\s+at /);
  expect(classifyError(system("EADDRINUSE", "listen")).message).not.toContain("\n");
  expect(classifyError(undefined).message).toBe("ES-UNEXPECTED: undefined");
});

test("an error of several addresses says what each of them said", () => {
  const tried = new AggregateError([new Error("::1 refused"), new Error("127.0.0.1 refused")]);
  const error = Object.assign(tried, { code: "ECONNREFUSED", syscall: "connect" });
  expect(classifyError(error).message).toBe("ES-UNREACHABLE: ::1 refused; 127.0.0.1 refused");
});

test("every code of the catalogue says cause and remedy", () => {
  for (const [code, { cause, remedy }] of Object.entries(ERRORS)) {
    expect(code).toMatch(/^ES-[A-Z]+(-[A-Z]+)*$/);
    expect(cause.length, code).toBeGreaterThan(20);
    expect(remedy.length, code).toBeGreaterThan(10);
  }
});

describe("a process that ends because of an error", () => {
  afterEach(() => void vi.restoreAllMocks());

  test("prints its lines and exits with the code of its class", () => {
    const exit = vi.spyOn(process, "exit").mockImplementation((code) => {
      throw new Error(`exit ${code}`);
    });
    const print = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const error = new ConfigError([{ where: "RPC_URL", what: "is wrong" }]);
    expect(() => exitWith(error)).toThrow("exit 78");
    expect(print.mock.calls).toEqual([["ES-VARIABLE: RPC_URL: is wrong"]]);
    expect(exit).toHaveBeenCalledOnce();
  });
});
