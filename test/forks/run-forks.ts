import { SeededRandom } from "../../local/chain/seeded-random.ts";
import { ForkJudge } from "./fork-judge.ts";
import { ForkWorld } from "./fork-world.ts";
import { HistoryPlayer, SPECIALS, type Special } from "./history-player.ts";
import { playDeepReorg } from "./play-deep-reorg.ts";

export type ForkOptions = {
  histories: number;
  seed: number;
  /** Number of the first history; others than 1 to see one again. */
  first: number;
  /** What every history has in it; without it they take turns. */
  special?: Special | undefined;
  progress: (line: string) => void;
  /** Given what ends everything that runs, for whoever does not want to wait. */
  onStart?: (end: () => Promise<void>) => void;
};

export type ForkReport = {
  histories: number;
  forks: number;
  retractions: number;
  restarts: number;
  /** What differs, in words; the suite ends with the first history that shows something. */
  differences: string[];
  seconds: number;
};

/** How often everything that ever happened is judged again, in histories. */
const JUDGE_ALL_EVERY = 50;

/**
 * Lets the real service follow chains that fork, history after history, and judges after each of
 * them what the world was told.
 *
 * @throws when the suite itself cannot work
 */
export async function runForks(options: ForkOptions): Promise<ForkReport> {
  const { histories, seed, first, progress } = options;
  const startedMs = performance.now();
  const world = await ForkWorld.create(`forks/${seed}`);
  options.onStart?.(() => world.end());
  const judge = new ForkJudge(world);
  const differences: string[] = [];
  let played = 0;
  let forks = 0;
  try {
    for (let number = first; number < first + histories && differences.length === 0; number++) {
      const random = new SeededRandom(`forks/${seed}/${number}`);
      const player: HistoryPlayer = new HistoryPlayer(world, random, () =>
        judge.isHeard(player.histories),
      );
      const special = options.special ?? SPECIALS[number % SPECIALS.length] ?? "none";
      const beganMs = performance.now();
      await player.play(special);
      const problems = await judge.judge(player.histories);
      played += 1;
      forks += player.forks;
      const isLast = number === first + histories - 1;
      if (problems.length === 0 && (isLast || played % JUDGE_ALL_EVERY === 0))
        problems.push(...(await judge.judgeAll()));
      differences.push(...problems.map((what) => `history ${number} of seed ${seed}: ${what}`));
      const seconds = ((performance.now() - beganMs) / 1_000).toFixed(1);
      const verdict = problems.length === 0 ? "ok" : `${problems.length} DIFFERENCES`;
      progress(
        `${number}: ${player.histories.length} chains, ${player.forks} forks, ${special}: ${verdict}, ${seconds} s`,
      );
      if (problems.length > 0) {
        progress(`steps: ${player.steps.join(", ")}`);
        progress(`the engine said:\n${world.engine.lastWords}`);
        progress(`the relay said:\n${world.relay.lastWords}`);
      }
    }
    if (differences.length === 0) {
      const random = new SeededRandom(`forks/${seed}/deep`);
      const problems = await playDeepReorg(world, judge, random);
      progress(`deeper than finality: ${problems.length === 0 ? "ok" : "DIFFERENCES"}`);
      differences.push(...problems.map((what) => `the deep reorg of seed ${seed}: ${what}`));
    }
    return {
      histories: played,
      forks,
      retractions: judge.retractions,
      restarts: world.restarts,
      differences,
      seconds: (performance.now() - startedMs) / 1_000,
    };
  } finally {
    await world.end();
  }
}
