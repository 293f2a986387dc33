import { expect, test } from "vitest";
import { problemsOf } from "../test/support/problems-of.ts";
import { finalRequiresSection, finalRulesOf, needsWitness } from "./final-requires.ts";

const rulesOf = (FINAL_REQUIRES: string) =>
  finalRequiresSection.parse({ FINAL_REQUIRES }).otherwise;

test("final is what is verified, and the engine's word where nothing can be proven, unless something else is named", () => {
  for (const env of [{}, { FINAL_REQUIRES: "" }])
    expect(finalRequiresSection.parse(env)).toEqual({
      ...{ otherwise: ["verified", "trust"], ofChain: new Map() },
    });
});

test.each([
  ["verified", ["verified"], true],
  ["verified, trust", ["verified", "trust"], true],
  ["verified,agree:3,agree:2,trust", ["verified", { agree: 3 }, { agree: 2 }, "trust"], true],
  ["agree:2", [{ agree: 2 }], true],
  ["trust", ["trust"], false],
])("%j is an order of rules", (text, rules, hasWitness) => {
  expect(rulesOf(text)).toEqual(rules);
  expect(needsWitness(rulesOf(text))).toBe(hasWitness);
});

test("a chain's own rules go before those of all", () => {
  const requires = finalRequiresSection.parse({
    FINAL_REQUIRES: "verified",
    FINAL_REQUIRES_137: "agree:2,trust",
    FINAL_REQUIRES_10: "",
  });
  expect(finalRulesOf(requires, 137)).toEqual([{ agree: 2 }, "trust"]);
  expect(finalRulesOf(requires, 10)).toEqual(["verified"]);
});

test.each(["proven", "verified,", "agree:1", "agree:0", "agree", "trust,verified", "trust,trust"])(
  "refuses %j with what it expects, and says for which chain",
  (text) => {
    const what =
      "expected verified, agree:<2 or more endpoints> or trust, or several of them in this order";
    const env = { FINAL_REQUIRES: text, FINAL_REQUIRES_5: text };
    expect(problemsOf(() => finalRequiresSection.parse(env))).toEqual([
      { where: "FINAL_REQUIRES", what },
      { where: "FINAL_REQUIRES_5", what },
    ]);
  },
);
