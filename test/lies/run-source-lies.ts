import { SeededRandom } from "../../local/chain/seeded-random.ts";
import { answerEngine } from "../../source/answer-engine.ts";
import { chainEvidence } from "../../source/chain-evidence.ts";
import { openSource } from "../../source/open-sources.ts";
import { catchRule, placesOf } from "./catch-rule.ts";
import type { PhasePlayed } from "./lie-seat.ts";
import type { NamedLie } from "./named-lie.ts";
import { playSource } from "./play-source.ts";
import type { SourceBed } from "./source-bed.ts";
import type { SourceRule } from "./source-rules.ts";

/** Tells each lie to the source alone, from a node alone and from one of three, in this order. */
export async function playSources(
  lies: readonly NamedLie[],
  bed: SourceBed,
  seed: number,
  onPlayed: (lie: NamedLie, nodes: number, played: PhasePlayed) => void = () => undefined,
): Promise<PhasePlayed[]> {
  const code = { answerEngine, chainEvidence, openSource };
  const all: PhasePlayed[] = [];
  for (const lie of lies)
    for (const nodes of placesOf(lie)) {
      const random = new SeededRandom(`${seed} ${lie.name} ${nodes}`);
      const { verdict, lies: told } = await playSource(code, bed, { lie, nodes, random });
      all.push({ verdict, told });
      onPlayed(lie, nodes, { verdict, told });
    }
  return all;
}

/** Switches rules off, one at a time. @returns whether each was shown by a lie */
export async function catchRules(
  rules: readonly SourceRule[],
  bed: SourceBed,
  { seed, print }: { seed: number; print: (line: string) => void },
): Promise<boolean> {
  let missed = 0;
  for (const rule of rules) {
    const caughtBy = await catchRule(rule, bed, seed);
    if (caughtBy === null) missed += 1;
    print(`without "${rule.name}": ${caughtBy === null ? "MISSED" : `caught by ${caughtBy}`}`);
  }
  print(`rules missed: ${missed}`);
  return missed === 0;
}
