import { z } from "zod";

/**
 * What makes a final row of a chain fit for a final publication: `verified`, the witness has proven
 * its block; `agree`, so many endpoints gave the same logs; `trust`, the engine calls it final.
 */
export type FinalRule = "verified" | "trust" | { agree: number };

/** Rules of a chain: the first that can be kept there counts, the others are what it falls back to. */
export type FinalRules = readonly [FinalRule, ...FinalRule[]];

const EXPECTED =
  "expected verified, agree:<2 or more endpoints> or trust, or several of them in this order";

/** From what proves most to what proves nothing. */
function strength(rule: FinalRule): number {
  return rule === "verified" ? Number.POSITIVE_INFINITY : rule === "trust" ? 0 : rule.agree;
}

/** `verified | agree:<n> | trust`, separated by commas; each weaker than the one before it. */
export const finalRules = z
  .string()
  .default("verified,trust")
  .transform((text, context): FinalRules => {
    const rules = text.split(",").map((word) => ruleOf(word.trim()));
    const [first, ...others] = rules;
    const isOrdered = rules.every((rule, at) => {
      const before = rules[at - 1];
      return rule !== null && (!before || strength(before) > strength(rule));
    });
    if (!first || !isOrdered) {
      context.addIssue(EXPECTED);
      return z.NEVER;
    }
    return [first, ...others.filter((rule) => rule !== null)];
  });

function ruleOf(word: string): FinalRule | null {
  if (word === "verified" || word === "trust") return word;
  const agree = /^agree:([1-9]\d{0,2})$/.exec(word)?.[1];
  return agree === undefined || agree === "1" ? null : { agree: Number(agree) };
}
