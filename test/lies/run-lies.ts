import { TestWorld } from "../support/test-world.ts";
import { placesOf } from "./catch-rule.ts";
import type { NamedLie } from "./named-lie.ts";
import { type Played, playRound } from "./play-round.ts";

export type LiesOptions = {
  seed: number;
  /** How many chains one indexer follows at a time. */
  chains: number;
  onPlayed: (played: Played) => void;
  /** Told what a process said last when something of a chain was stuck. */
  onWrong: (words: string) => void;
  /** Given what ends everything that runs, for whoever does not want to wait. */
  onStart?: (end: () => Promise<void>) => void;
};

const FIRST_CHAIN = 42_000;
const PATIENCE_MS = 600_000;

/** Plays each lie under the real indexer, relay and witness, some chains at a time. */
export async function runLies(
  lies: readonly NamedLie[],
  { seed, chains, onPlayed, onWrong, onStart }: LiesOptions,
): Promise<Played[]> {
  const games = lies.flatMap((lie) => placesOf(lie).map((nodes) => ({ lie, nodes })));
  const world = await TestWorld.create();
  onStart?.(() => world.end());
  const all: Played[] = [];
  try {
    for (let at = 0; at < games.length; at += chains) {
      const round = await playRound(world, games.slice(at, at + chains), {
        ...{ seed: String(seed), patienceMs: PATIENCE_MS },
        ...{ firstChainId: FIRST_CHAIN + at, onWrong },
      });
      await world.endTest();
      for (const played of round) onPlayed(played);
      all.push(...round);
    }
    return all;
  } finally {
    await world.end();
  }
}
