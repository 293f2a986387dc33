import { afterAll, beforeAll, expect, test } from "vitest";
import { catchRule } from "../lies/catch-rule.ts";
import { SourceBed } from "../lies/source-bed.ts";
import { SOURCE_RULES } from "../lies/source-rules.ts";

/* Each rule of the source is needed: without it, a lie of the catalogue is believed. */

const SEED = 1;

let bed: SourceBed;
beforeAll(async () => {
  bed = await SourceBed.start(41_902, String(SEED));
});
afterAll(() => bed?.stop());

test.each(SOURCE_RULES)("A source without a rule believes a lie: $name [G-20]", async (rule) => {
  expect(await catchRule(rule, bed, SEED)).not.toBeNull();
});
