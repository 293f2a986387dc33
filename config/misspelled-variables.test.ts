import { expect, test } from "vitest";
import { misspelledVariables } from "./misspelled-variables.ts";
import { OLDER_RELAYER } from "./older-relayer.ts";
import { VARIABLES } from "./variables.ts";

test.each([
  ["RPC_ULR", "RPC_URL"],
  ["RPC_ULR_11155111", "RPC_URL_11155111"],
  ["DATABSE_URL", "DATABASE_URL"],
  ["DATABASE_URI", "DATABASE_URL"],
  ["PUBSUB_PROJECTID", "PUBSUB_PROJECT_ID"],
  ["CONTRACT_ADDRESSS", "CONTRACT_ADDRESS"],
  ["CHAINID", "CHAIN_ID"],
])("%s gets a hint to %s, without its value", (wrong, meant) => {
  const [hint, ...others] = misspelledVariables({ [wrong]: "s3cret" });
  expect(others).toEqual([]);
  expect(hint).toBe(`${wrong} is set, but there is no such variable: is ${meant} meant?`);
});

test("a name that only ours could have is pointed at the list of all", () => {
  expect(misspelledVariables({ RELAY_THREADS: "4" })).toEqual([
    "RELAY_THREADS is set, but there is no such variable: docs/reference/configuration.md lists all.",
  ]);
});

test("variables that are known, empty, or other programs' are left in peace", () => {
  const known = [...Object.keys(VARIABLES), ...Object.keys(OLDER_RELAYER)];
  const others = ["PATH", "HOME", "PORT", "HOST", "LOG_FORMAT", "PGHOST", "NODE_ENV", "TZ", "LANG"];
  const names = [...known, "RPC_URL_1", "AUDIT_RPC_URL_8453", ...others];
  expect(misspelledVariables(Object.fromEntries(names.map((name) => [name, "x"])))).toEqual([]);
  expect(misspelledVariables({ RPC_ULR: "", RPC_ULR_1: undefined })).toEqual([]);
});
