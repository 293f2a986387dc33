import { expect, test } from "vitest";
import { ConfigError } from "./config-error.ts";

test("a configuration error lists every problem with its place on a line of its own", () => {
  const problems = [
    { where: "RPC_URL", what: "no RPC endpoint" },
    { where: "CHAIN_ID", what: "expected a whole number" },
  ];
  const error = new ConfigError(problems);
  expect(error.name).toBe("ConfigError");
  expect(error.problems).toEqual(problems);
  expect(error.message).toBe(
    "The configuration is not usable:\n  - RPC_URL: no RPC endpoint\n  - CHAIN_ID: expected a whole number",
  );
});
