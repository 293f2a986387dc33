import { describe, expect, test } from "vitest";
import {
  blockNumber,
  duration,
  notEmpty,
  numberFrom,
  oneOf,
  schemaName,
  secondsAsMs,
  wholeNumber,
} from "./option-values.ts";

describe("the text of an option is read as", () => {
  test.each([
    ["a time", duration, "500ms", 500],
    ["a time", duration, "90s", 90_000],
    ["a time", duration, "5m", 300_000],
    ["a time", duration, "1.5h", 5_400_000],
    ["a time in seconds", duration, "20", 20_000],
    ["seconds", secondsAsMs, "2.5", 2_500],
    ["a block", blockNumber, "0", 0],
    ["a whole number", wholeNumber(1, 9), "9", 9],
    ["a number", numberFrom(0, 10), "0.5", 0.5],
    ["a schema", schemaName, "escrow_1", "escrow_1"],
    ["one of several", oneOf(["a", "b"]), "b", "b"],
    ["anything", notEmpty("a file"), "x", "x"],
  ])("%s: %s", (_, read: (text: string) => unknown, text, value) => {
    expect(read(text)).toBe(value);
  });
});

describe("and refused with what was expected", () => {
  test.each([
    [duration, "soon", "is not a time: expected a number with ms, s, m, h or d, such as 90s"],
    [duration, "", "is not a time"],
    [duration, "5 minutes", "is not a time"],
    [duration, "-5s", "is not a time"],
    [secondsAsMs, "0", "is not a number of seconds from 1"],
    [secondsAsMs, "", "is not a number of seconds from 1"],
    [blockNumber, "0x7", "is not a block number"],
    [wholeNumber(1, 9), "10", "is not a whole number from 1 to 9"],
    [wholeNumber(1, 9), "1.5", "is not a whole number from 1 to 9"],
    [numberFrom(0, 10), "Infinity", "is not a number from 0 to 10"],
    [numberFrom(0, 10), "", "is not a number from 0 to 10"],
    [schemaName, 'a"b', "is not a schema's name"],
    [oneOf(["a", "b"]), "c", "is none of a, b"],
    [notEmpty("a file"), "", "expected a file"],
  ])("%o %j", (read: (text: string) => unknown, text, words) => {
    expect(() => read(text)).toThrow(words);
  });
});
