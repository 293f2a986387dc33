import { defineCommand } from "../../cli/command.ts";
import { optional, withDefault } from "../../cli/command-option.ts";
import { oneOf, wholeNumber } from "../../cli/option-values.ts";
import { runProcess } from "../../cli/run-command.ts";
import { TestWorld } from "../support/test-world.ts";
import { LIES, LIMITS, type NamedLie } from "./lie-catalogue.ts";
import { type LieVerdict, playLies } from "./play-lies.ts";

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** A node alone has to answer rightly at times; of three, one may lie whenever it is asked. */
const PLACES = [
  { nodes: 1, share: 0.15 },
  { nodes: 3, share: 1 },
];
const COLUMNS = ["lost", "invented", "falseRetractions", "differing", "falseHalts"] as const;
const FIRST_CHAIN = 42_000;

/** The suite of lies. */
export const lies = defineCommand({
  name: "lies",
  says: `The suite of lies: the real indexer and relay follow a real chain through nodes that answer wrongly, each lie of the catalogue for itself, from a node alone and from one of three. Compares both topics with the chain. Its last line is the verdict.`,
  options: {
    seed: withDefault("<n>", "seed of which answers are lies", "1", wholeNumber(0, 1e9)),
    only: optional(
      "<lie>",
      `plays this one alone: ${[...LIES, ...LIMITS].map(({ name }) => name).join(", ")}`,
      oneOf([...LIES, ...LIMITS].map(({ name }) => name)),
    ),
  },
  config: {},
  exits1When: "something differs",
  run: async ({ options: { seed, only } }) => {
    const wanted = [...LIES, ...LIMITS].filter(({ name }) => only === undefined || name === only);
    const world = await TestWorld.create();
    for (const signal of ["SIGINT", "SIGTERM"] as const)
      process.once(signal, () => void world.end().finally(() => process.exit(130)));
    try {
      return (await playAll(world, wanted, seed)) ? 0 : 1;
    } finally {
      await world.end();
    }
  },
});

async function playAll(
  world: TestWorld,
  wanted: readonly NamedLie[],
  seed: number,
): Promise<boolean> {
  print(`seed ${seed}`);
  print(["lie", "of nodes", "lies", "events", ...COLUMNS, "stuck"].join(" | "));
  const sum = { lost: 0, invented: 0, falseRetractions: 0, differing: 0, falseHalts: 0, stuck: 0 };
  let chainId = FIRST_CHAIN;
  for (const lie of wanted)
    for (const place of PLACES) {
      // A limit is always there.
      const share = LIMITS.includes(lie) ? 1 : place.share;
      const game = { lies: [lie], nodes: place.nodes, share, seed: `${seed} ${lie.name}` };
      const verdict: LieVerdict = await playLies(world, chainId++, game);
      await world.endTest();
      for (const column of COLUMNS) sum[column] += verdict[column];
      if (verdict.stuck !== "") sum.stuck += 1;
      const figures = COLUMNS.map((column) => verdict[column]);
      print(
        [lie.name, place.nodes, verdict.lies, verdict.events, ...figures, verdict.stuck].join(
          " | ",
        ),
      );
    }
  print(
    `lost ${sum.lost}, invented ${sum.invented}, false retractions ${sum.falseRetractions}, differing ${sum.differing}, false halts ${sum.falseHalts}, stuck ${sum.stuck}`,
  );
  return Object.values(sum).every((count) => count === 0);
}

if (import.meta.main) await runProcess(lies);
