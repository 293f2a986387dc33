import { expect, test } from "vitest";
import { eventId } from "./event-id.ts";

const HASH = `0x${"ab".repeat(32)}` as const;

test("an event's id is its chain, its block's hash and its log index", () => {
  expect(eventId(11155111, HASH, 7)).toBe(`11155111-${HASH}-7`);
});

test("the same log in another block, on another chain or at another index is another fact", () => {
  const other = `0x${"cd".repeat(32)}` as const;
  const ids = [eventId(1, HASH, 0), eventId(1, other, 0), eventId(2, HASH, 0), eventId(1, HASH, 1)];
  expect(new Set(ids).size).toBe(4);
});

test("the spelling of a hash does not make another id", () => {
  expect(eventId(1, `0x${"AB".repeat(32)}`, 0)).toBe(eventId(1, HASH, 0));
});
