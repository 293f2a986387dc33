import { EventEmitter } from "node:events";
import { defineCommand } from "../../cli/command.ts";
import { flag, optional, repeated, withDefault } from "../../cli/command-option.ts";
import { duration, oneOf, wholeNumber } from "../../cli/option-values.ts";
import { runProcess } from "../../cli/run-command.ts";
import { TestWorld } from "../support/test-world.ts";
import { placesOf } from "./catch-rule.ts";
import { LIE_CATALOGUE, LIES } from "./lie-catalogue.ts";
import { PHASES } from "./lie-seat.ts";
import { inOrder, tableHead, tableLine } from "./lie-table.ts";
import { inWords, isClean, type LieVerdict, sumOf } from "./lie-verdict.ts";
import type { NamedLie } from "./named-lie.ts";
import { playRandom } from "./play-random.ts";
import { playRound } from "./play-round.ts";
import { catchRules, playSources } from "./run-source-lies.ts";
import { SourceBed } from "./source-bed.ts";
import { SOURCE_RULES } from "./source-rules.ts";

const RANDOM_CHAIN = 41_998;
const SOURCE_CHAIN = 41_999;
const FIRST_CHAIN = 42_000;
/** Whatever takes longer than that is stuck: a machine may be busy with other things. */
const PATIENCE_MS = 600_000;

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** Ends what runs, also when the run is broken off. */
async function within<T>(end: () => Promise<void>, run: () => Promise<T>): Promise<T> {
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => void end().finally(() => process.exit(130)));
  try {
    return await run();
  } finally {
    await end();
  }
}

/** The suite of lies. */
export const lies = defineCommand({
  name: "lies",
  says: `The suite of lies: tells every lie of its catalogue, from a node alone and from one of three, to the verified source and then to a real indexer, relay and witness: during a backfill, while blocks come and are replaced, while the relay looks for evidence, and while the witness proves. Compares both topics, and what is said to be verified, with the chain. Prints a table of lie and phase; its last line is the verdict.

With --random, has the only endpoint lie at random for so long instead, under traffic, reorgs and kills.

With --planted, switches the source's rules off in copies of it instead, one at a time, each of which a lie must show.`,
  options: {
    seed: withDefault(
      "<n>",
      "seed of the histories and of which answers are lies",
      "1",
      wholeNumber(0, 1e9),
    ),
    only: repeated("<lie>", "only this lie", oneOf(LIE_CATALOGUE.map(({ name }) => name))),
    chains: withDefault(
      "<n>",
      "chains that one indexer follows at a time",
      "12",
      wholeNumber(2, 20),
    ),
    "source-only": flag("tells them to the source alone"),
    random: optional("<time>", "lies at random for so long instead, such as 30m", duration),
    rate: withDefault("<percent>", "answers that are lies, with --random", "5", wholeNumber(1, 50)),
    planted: flag("switches rules off instead"),
    rule: repeated("<name>", "only this rule", oneOf(SOURCE_RULES.map(({ name }) => name))),
  },
  config: {},
  exits1When: "something was lost, invented, retracted or halted by a lie, or a rule was missed",
  run: async ({ options }) => {
    const { seed, only, planted, rule, chains, random, rate } = options;
    // Every anvil ends with us: one listener each.
    EventEmitter.defaultMaxListeners = 100;
    print(`seed ${seed}`);
    const has = (wanted: string[]) => (each: { name: string }) =>
      wanted.length === 0 || wanted.includes(each.name);
    const wanted = LIE_CATALOGUE.filter(has(only));
    if (random !== undefined)
      return closing([await atRandom(LIES.filter(has(only)), { seed, rate, forMs: random })]);
    const bed = await SourceBed.start(SOURCE_CHAIN, String(seed));
    if (planted) {
      const rules = SOURCE_RULES.filter(has(rule));
      const isClean = await within(
        () => bed.stop(),
        () => catchRules(rules, bed, { seed, print }),
      );
      return isClean ? 0 : 1;
    }
    const verdicts = options["source-only"]
      ? await within(
          () => bed.stop(),
          () => toSource(wanted, bed, seed),
        )
      : await toAll(wanted, bed, { seed, chains });
    return closing(verdicts);
  },
});

async function toSource(
  wanted: readonly NamedLie[],
  bed: SourceBed,
  seed: number,
): Promise<LieVerdict[]> {
  for (const line of tableHead(["source"])) print(line);
  const all = await playSources(wanted, bed, seed, (lie, nodes, played) =>
    print(tableLine(lie, nodes, [played])),
  );
  return all.map(({ verdict }) => verdict);
}

async function toAll(
  wanted: readonly NamedLie[],
  bed: SourceBed,
  { seed, chains }: { seed: number; chains: number },
): Promise<LieVerdict[]> {
  const startedMs = performance.now();
  const world = await TestWorld.create();
  const verdicts: LieVerdict[] = [];
  const end = async (): Promise<void> => {
    await world.end();
    await bed.stop();
  };
  await within(end, async () => {
    for (const line of tableHead(["source", ...PHASES])) print(line);
    for (const [number, some] of inRounds(wanted, chains).entries()) {
      const ofSource = await playSources(some, bed, seed);
      const games = some.flatMap((lie) => placesOf(lie).map((nodes) => ({ lie, nodes })));
      const played = await playRound(world, games, {
        ...{ seed: String(seed), patienceMs: PATIENCE_MS },
        firstChainId: FIRST_CHAIN + number * chains,
        onWrong: (words) => process.stderr.write(`${words}\n`),
      });
      await world.endTest();
      for (const [at, { lie, nodes, phases }] of played.entries()) {
        const all = [...ofSource.slice(at, at + 1), ...inOrder(phases)];
        print(tableLine(lie, nodes, all));
        verdicts.push(...all.map(({ verdict }) => verdict));
      }
    }
  });
  print(`${Math.round((performance.now() - startedMs) / 1_000)} s`);
  return verdicts;
}

/** Lies that are told at the same time: each place has a chain of its own. */
function inRounds(lies: readonly NamedLie[], chains: number): NamedLie[][] {
  const rounds: NamedLie[][] = [];
  let left = 0;
  for (const lie of lies) {
    const needed = placesOf(lie).length;
    if (left < needed) {
      rounds.push([]);
      left = chains;
    }
    rounds.at(-1)?.push(lie);
    left -= needed;
  }
  return rounds;
}

async function atRandom(
  from: readonly NamedLie[],
  { seed, rate, forMs }: { seed: number; rate: number; forMs: number },
): Promise<LieVerdict> {
  const world = await TestWorld.create();
  return await within(
    () => world.end(),
    async () => {
      const game = { lies: from, nodes: 1, seed: String(seed), rate: rate / 100 };
      const options = { forMs, patienceMs: PATIENCE_MS, onProgress: print };
      const played = await playRandom(world, RANDOM_CHAIN, game, options);
      const { verdict, told, asked, events, reorgs, kills } = played;
      const killed = Object.entries(kills).map(([who, times]) => `${who} ${times}`);
      print(
        `${told} of ${asked} answers were lies, ${events} events, ${reorgs} reorgs, kills: ${killed.join(", ")}`,
      );
      return verdict;
    },
  );
}

function closing(verdicts: readonly LieVerdict[]): 0 | 1 {
  const sum = sumOf(verdicts);
  for (const words of [...sum.misjudged, ...sum.stuck]) print(words);
  print(inWords(sum, { zeros: true }));
  return isClean(sum) ? 0 : 1;
}

if (import.meta.main) await runProcess(lies);
