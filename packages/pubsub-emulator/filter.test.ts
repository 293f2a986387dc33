import { describe, expect, test } from "vitest";
import { parseFilter } from "./filter.ts";

const passes = (filter: string, attributes: Record<string, string>): boolean =>
  parseFilter(filter)(new Map(Object.entries(attributes)));

describe("a subscription's filter", () => {
  test.each([
    ["attributes:kind", { kind: "" }, true],
    ["attributes:kind", { other: "x" }, false],
    ['attributes.kind = "a"', { kind: "a" }, true],
    ['attributes.kind = "a"', { kind: "A" }, false],
    ['attributes.kind != "a"', { kind: "b" }, true],
    ['attributes.kind != "a"', {}, true],
    ['hasPrefix(attributes.kind, "Es")', { kind: "Escrow" }, true],
    ['hasPrefix(attributes.kind, "Es")', {}, false],
    ["NOT attributes:kind", {}, true],
    ["-attributes:kind", { kind: "a" }, false],
    ["attributes:a AND attributes:b AND attributes:c", { a: "", b: "", c: "" }, true],
    ["attributes:a AND attributes:b", { a: "" }, false],
    ["attributes:a OR attributes:b", { b: "" }, true],
    ["attributes:a AND (attributes:b OR attributes:c)", { a: "", c: "" }, true],
    ["NOT (attributes:a OR attributes:b)", { b: "" }, false],
    ["NOT attributes:a AND attributes:b", { b: "" }, true],
    ["attributes:ce-type", { "ce-type": "" }, true],
    ['attributes:"iana.org/language"', { "iana.org/language": "en" }, true],
    ['attributes."a b" = "\\"\\u00e9\\x41\\101"', { "a b": '"éAA' }, true],
    ['  attributes.kind="a"  ', { kind: "a" }, true],
  ])("%s lets %o through: %s", (filter, attributes, expected) => {
    expect(passes(filter, attributes as Record<string, string>)).toBe(expected);
  });

  test.each([
    ["attributes", 11],
    ["kind = 1", 1],
    ["attributes.kind = a", 19],
    ['attributes.kind == "a"', 18],
    ["attributes:a AND", 17],
    ["attributes:a attributes:b", 14],
    ["attributes:a AND attributes:b OR attributes:c", 31],
    ["attributes:a and attributes:b", 14],
    ["(attributes:a", 14],
    ['hasPrefix(attributes:a, "x")', 21],
    ['attributes.a = "open', 16],
    ["attributes:a ; attributes:b", 14],
  ])("%s is refused, naming character %i", (filter, position) => {
    expect(() => parseFilter(filter)).toThrow(`Invalid filter at character ${position}:`);
  });

  test("is refused when it is longer than 256 bytes", () => {
    expect(() => parseFilter(`attributes.a = "${"é".repeat(120)}"`)).toThrow("256 bytes");
  });
});
