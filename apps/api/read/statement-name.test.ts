import { expect, test } from "vitest";
import { statementName } from "./statement-name.ts";

test("The first statements have a name each, and no more than a connection should keep", () => {
  const names = Array.from({ length: 300 }, (_, n) => statementName(`select ${n}`));
  expect(new Set(names.slice(0, 200)).size).toBe(200);
  expect(statementName("select 7")).toBe(names[7]);
  expect(names.slice(200).every((name) => name === null)).toBe(true);
});
