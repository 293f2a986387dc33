import { expect, test } from "vitest";
import { ConfigError } from "./config-error.ts";

test("every problem is a line of its own, with its code and its place", () => {
  const problems = [
    { where: "RPC_URL", what: "no RPC endpoint" },
    { where: "--block", what: "is no block" },
    { where: "API_PORT", what: "cannot listen", code: "ES-PORT" as const },
    { where: "DATABASE_URL", what: "no views yet", mayPass: true },
  ];
  const error = new ConfigError(problems);
  expect(error.name).toBe("ConfigError");
  expect(error.problems).toEqual(problems);
  expect(error.message.split("\n")).toEqual([
    "ES-VARIABLE: RPC_URL: no RPC endpoint",
    "ES-ARGUMENT: --block: is no block",
    "ES-PORT: API_PORT: cannot listen",
    "ES-NOT-READY: DATABASE_URL: no views yet",
  ]);
});

test("it passes by itself only when each of its problems may", () => {
  const passing = { where: "DATABASE_URL", what: "away", code: "ES-DATABASE-UNREACHABLE" as const };
  expect(new ConfigError([passing])).toMatchObject({ mayPass: true, code: passing.code });
  const both = new ConfigError([passing, { where: "RPC_URL", what: "is wrong" }]);
  expect(both).toMatchObject({ mayPass: false, code: "ES-VARIABLE" });
});

test("what it came from is kept", () => {
  const cause = new Error("connect ECONNREFUSED");
  expect(new ConfigError([{ where: "a", what: "b" }], { cause }).cause).toBe(cause);
});
