import fc from "fast-check";
import { expect, test } from "vitest";
import { DateTime } from "./date-time.ts";

test("A time is answered as a Date says it, without milliseconds that are none", () => {
  const seconds = fc.oneof(
    fc.integer({ min: 1_700_000_000, max: 1_700_200_000 }),
    fc.integer({ min: -1e9, max: 8.64e12 }),
    fc.constantFrom(-1, 0, 86_399, 86_400, 253_402_300_799, 253_402_300_800, 8.64e12, 0.5, 1.25),
  );
  fc.assert(
    fc.property(seconds, (time) => {
      const said = new Date(time * 1_000).toISOString().replace(".000Z", "Z");
      expect(DateTime.serialize(String(time))).toBe(said);
    }),
  );
  expect(() => DateTime.serialize("8640000086400")).toThrow(RangeError);
});
