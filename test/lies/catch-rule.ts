import { SeededRandom } from "../../local/chain/seeded-random.ts";
import { LIE_CATALOGUE } from "./lie-catalogue.ts";
import { inWords, isClean } from "./lie-verdict.ts";
import type { NamedLie } from "./named-lie.ts";
import { plantRule } from "./plant-rules.ts";
import { playSource } from "./play-source.ts";
import type { SourceBed } from "./source-bed.ts";
import type { SourceRule } from "./source-rules.ts";

/**
 * Tells the lies against a rule to a source without it.
 *
 * @returns the lie that showed it, and how; null when none did
 */
export async function catchRule(
  rule: SourceRule,
  bed: SourceBed,
  seed: number,
): Promise<string | null> {
  const { code, remove } = await plantRule(rule);
  try {
    for (const lie of liesAgainst(rule))
      for (const nodes of placesOf(lie)) {
        const random = new SeededRandom(`${seed} ${lie.name} ${nodes}`);
        const { verdict } = await playSource(code, bed, { lie, nodes, random });
        if (!isClean(verdict)) return `${lie.name}, from one of ${nodes}: ${inWords(verdict)}`;
      }
    return null;
  } finally {
    remove();
  }
}

/** How many endpoints there are: a node alone, and one of three. */
export function placesOf({ needsOthers }: NamedLie): number[] {
  return needsOthers ? [3] : [1, 3];
}

function liesAgainst({ name, shownBy }: SourceRule): readonly NamedLie[] {
  return LIE_CATALOGUE.filter((lie) => lie.against === name || lie.name === shownBy);
}
