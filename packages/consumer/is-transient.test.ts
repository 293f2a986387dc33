import { expect, test } from "vitest";
import { isTransient } from "./is-transient.ts";

test.each([
  ["a serialization failure", { code: "40001" }, true],
  ["a deadlock", { code: "40P01" }, true],
  ["an administrator's shutdown", { code: "57P01" }, true],
  ["too many connections", { code: "53300" }, true],
  ["a refused connection", { code: "ECONNREFUSED" }, true],
  ["a connection that ended", { message: "Connection terminated unexpectedly" }, true],
  ["a unique violation", { code: "23505" }, false],
  ["a missing table", { code: "42P01" }, false],
  ["an error of the effect", { message: "no" }, false],
])("whether %s passes by itself", (_, fields, expected) => {
  expect(isTransient(Object.assign(new Error(), fields))).toBe(expected);
});
