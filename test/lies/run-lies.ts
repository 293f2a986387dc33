import { TestWorld } from "../support/test-world.ts";
import { placesOf } from "./catch-rule.ts";
import { inWords } from "./lie-verdict.ts";
import type { NamedLie } from "./named-lie.ts";
import { PHASES, type Played, playRound } from "./play-round.ts";

export type LiesOptions = {
  seed: number;
  /** How many chains one indexer follows at a time. */
  chains: number;
  print: (line: string) => void;
  /** Given what ends everything that runs, for whoever does not want to wait. */
  onStart?: (end: () => Promise<void>) => void;
};

const FIRST_CHAIN = 42_000;
const PATIENCE_MS = 120_000;

/** Plays each lie under the real indexer and relay, some chains at a time, in one table. */
export async function runLies(
  lies: readonly NamedLie[],
  { seed, chains, print, onStart }: LiesOptions,
): Promise<Played[]> {
  const games = lies.flatMap((lie) => placesOf(lie).map((nodes) => ({ lie, nodes })));
  const world = await TestWorld.create();
  onStart?.(() => world.end());
  const all: Played[] = [];
  print(["lie", "of nodes", ...PHASES].join(" | "));
  try {
    for (let at = 0; at < games.length; at += chains) {
      const options = {
        ...{ seed: String(seed), patienceMs: PATIENCE_MS },
        firstChainId: FIRST_CHAIN + at,
      };
      const round = await playRound(world, games.slice(at, at + chains), options);
      await world.endTest();
      for (const played of round) print(lineOf(played));
      all.push(...round);
    }
    return all;
  } finally {
    await world.end();
  }
}

function lineOf({ lie, nodes, phases }: Played): string {
  const cells = PHASES.map((phase) => {
    const { verdict, told } = phases[phase];
    return inWords(verdict) || (told === 0 ? "not told" : `0 wrong of ${told}`);
  });
  return [lie.name, nodes, ...cells].join(" | ");
}
