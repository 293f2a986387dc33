import { expect, test } from "vitest";
import { fitLines, plainText, wrapLine } from "./fit-lines.ts";

test("of several ways to write a block the first is taken whose lines all fit", () => {
  const ways = [["a long line", "short"], ["long line", "short"], ["line"]];
  expect(fitLines(ways, 11)).toEqual(["a long line", "short"]);
  expect(fitLines(ways, 10)).toEqual(["long line", "short"]);
  expect(fitLines(ways, 4)).toEqual(["line"]);
});

test("when no way fits, the last is wrapped", () => {
  expect(fitLines([["published 123 waiting 4"]], 14)).toEqual(["published 123", "  waiting 4"]);
  expect(fitLines([], 14)).toEqual([]);
});

test("a wrapped line goes on under its own indentation", () => {
  expect(wrapLine("  ! one two three", 11)).toEqual(["  ! one two", "    three"]);
});

test("a word that is longer than a line is broken, and no part of it is lost", () => {
  const lines = wrapLine("  0123456789abcdef", 8);
  expect(lines.map((line) => line.trim()).join("")).toBe("0123456789abcdef");
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(8);
});

test("a character that takes two columns counts as two", () => {
  expect(wrapLine("链链 链链", 5)).toEqual(["链链", "  链", "  链"]);
});

test("text from elsewhere cannot move the cursor", () => {
  expect(plainText("\x1b[31mred\x1b[0m\tand\nnew")).toBe("red and new");
});
