import { EventEmitter } from "node:events";
import { defineCommand } from "../../cli/command.ts";
import { flag, optional, repeated, withDefault } from "../../cli/command-option.ts";
import { duration, oneOf, wholeNumber } from "../../cli/option-values.ts";
import { runProcess } from "../../cli/run-command.ts";
import { TestWorld } from "../support/test-world.ts";
import { LIE_CATALOGUE, LIES } from "./lie-catalogue.ts";
import { PHASES } from "./lie-seat.ts";
import { inOrder, tableHead, tableLine } from "./lie-table.ts";
import { inWords, isClean, type LieVerdict, sumOf } from "./lie-verdict.ts";
import type { NamedLie } from "./named-lie.ts";
import { playRandom } from "./play-random.ts";
import { runLies } from "./run-lies.ts";
import { catchRules, playSources } from "./run-source-lies.ts";
import { SOURCE_RULES } from "./source-rules.ts";

const RANDOM_CHAIN = 41_998;
const RANDOM_PATIENCE_MS = 600_000;

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** Leaves nothing running behind a run that is broken off. */
const onStart = (end: () => Promise<void>): void => {
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => void end().finally(() => process.exit(130)));
};

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
      "16",
      wholeNumber(1, 20),
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
    if (planted) return (await catchRules(SOURCE_RULES.filter(has(rule)), { seed, print })) ? 0 : 1;
    if (random !== undefined)
      return closing([await atRandom(LIES.filter(has(only)), { seed, rate, forMs: random })]);
    const wanted = LIE_CATALOGUE.filter(has(only));
    return closing(
      options["source-only"] ? await toSource(wanted, seed) : await toAll(wanted, seed, chains),
    );
  },
});

async function toSource(wanted: readonly NamedLie[], seed: number): Promise<LieVerdict[]> {
  for (const line of tableHead(["source"])) print(line);
  const all = await playSources(wanted, seed, (lie, nodes, played) =>
    print(tableLine(lie, nodes, [played])),
  );
  return all.map(({ verdict }) => verdict);
}

async function toAll(
  wanted: readonly NamedLie[],
  seed: number,
  chains: number,
): Promise<LieVerdict[]> {
  const startedMs = performance.now();
  const left = await playSources(wanted, seed);
  const verdicts = left.map(({ verdict }) => verdict);
  for (const line of tableHead(["source", ...PHASES])) print(line);
  await runLies(wanted, {
    ...{ seed, chains, onStart },
    onWrong: (words) => process.stderr.write(`${words}\n`),
    onPlayed: ({ lie, nodes, phases }) => {
      const played = [...left.splice(0, 1), ...inOrder(phases)];
      print(tableLine(lie, nodes, played));
      verdicts.push(...inOrder(phases).map(({ verdict }) => verdict));
    },
  });
  print(`${Math.round((performance.now() - startedMs) / 1_000)} s`);
  return verdicts;
}

async function atRandom(
  from: readonly NamedLie[],
  { seed, rate, forMs }: { seed: number; rate: number; forMs: number },
): Promise<LieVerdict> {
  const world = await TestWorld.create();
  onStart(() => world.end());
  try {
    const game = { lies: from, nodes: 1, seed: String(seed), rate: rate / 100 };
    const options = { forMs, patienceMs: RANDOM_PATIENCE_MS, onProgress: print };
    const played = await playRandom(world, RANDOM_CHAIN, game, options);
    const { told, asked, events, reorgs, kills } = played;
    const killed = Object.entries(kills).map(([who, times]) => `${who} ${times}`);
    print(
      `${told} of ${asked} answers were lies, ${events} events, ${reorgs} reorgs, kills: ${killed.join(", ")}`,
    );
    return played.verdict;
  } finally {
    await world.end();
  }
}

function closing(verdicts: readonly LieVerdict[]): 0 | 1 {
  const sum = sumOf(verdicts);
  for (const words of [...sum.misjudged, ...sum.stuck]) print(words);
  print(inWords(sum, { zeros: true }));
  return isClean(sum) ? 0 : 1;
}

if (import.meta.main) await runProcess(lies);
