import { defineCommand } from "../../cli/command.ts";
import { flag, repeated, withDefault } from "../../cli/command-option.ts";
import { oneOf, wholeNumber } from "../../cli/option-values.ts";
import { runProcess } from "../../cli/run-command.ts";
import { LIE_CATALOGUE } from "./lie-catalogue.ts";
import { inWords, isClean, sumOf } from "./lie-verdict.ts";
import { runLies } from "./run-lies.ts";
import { catchRules, playSources } from "./run-source-lies.ts";
import { SOURCE_RULES } from "./source-rules.ts";

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
  says: `The suite of lies: tells every lie of its catalogue, from a node alone and from one of three, to the verified source and then to a real indexer and relay: during a backfill, while blocks come and are replaced, and while the relay looks for evidence. Compares both topics with the chain. Its last line is the verdict.

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
      "8",
      wholeNumber(1, 20),
    ),
    "source-only": flag("tells them to the source alone"),
    planted: flag("switches rules off instead"),
    rule: repeated("<name>", "only this rule", oneOf(SOURCE_RULES.map(({ name }) => name))),
  },
  config: {},
  exits1When: "something was lost, invented, retracted or halted by a lie, or a rule was missed",
  run: async ({ options }) => {
    const { seed, only, planted, rule, chains } = options;
    print(`seed ${seed}`);
    const has = (wanted: string[]) => (each: { name: string }) =>
      wanted.length === 0 || wanted.includes(each.name);
    if (planted) return (await catchRules(SOURCE_RULES.filter(has(rule)), { seed, print })) ? 0 : 1;
    const wanted = LIE_CATALOGUE.filter(has(only));
    const verdicts = await playSources(wanted, { seed, print });
    if (!options["source-only"]) {
      const played = await runLies(wanted, { ...{ seed, chains, print }, onStart });
      for (const { phases } of played)
        verdicts.push(...Object.values(phases).map(({ verdict }) => verdict));
    }
    const sum = sumOf(verdicts);
    for (const words of [...sum.misjudged, ...sum.stuck]) print(words);
    print(inWords(sum, { zeros: true }));
    return isClean(sum) ? 0 : 1;
  },
});

if (import.meta.main) await runProcess(lies);
