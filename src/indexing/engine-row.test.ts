import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { changes, given, readOnly } from "./engine-row.ts";

/* Against the engine's own code: these tests say whether another version of it still knows the mark. */

const file = join(import.meta.dirname, "../../node_modules/ponder/dist/esm/utils/copy.js");
const { copy, copyOnWrite } = (await import(pathToFileURL(file).href)) as {
  copy: <T>(value: T, isFlat: boolean) => T;
  copyOnWrite: <T extends object>(value: T) => T;
};

test("a row that the engine hands out is read without a copy", () => {
  const row = { address: "0x1", approvers: ["0x2"] };
  expect(readOnly(copyOnWrite(row))).toBe(row);
});

test("a row that is given to the engine is taken without a copy", () => {
  for (const isFlat of [true, false]) {
    const row = given({ address: "0x1", approvers: ["0x2"] });
    expect(copy(row, isFlat)).toBe(row);
  }
});

test("a copy of a given row is another row", () => {
  const row = given({ address: "0x1" });
  const other = { ...row, address: "0x2" };
  expect(copy(other, false)).not.toBe(row);
  expect(readOnly(other)).toBe(other);
});

test("a row that the engine did not hand out is read as it is", () => {
  const row = { address: "0x1" };
  expect(readOnly(row)).toBe(row);
});

test("only what differs is set", () => {
  const before = { address: "0x1", version: 1, amount: 5n, payer: null as string | null };
  const after = { ...before, version: 2, payer: "0x3" };
  expect(changes(before, after)).toEqual({ version: 2, payer: "0x3" });
});
