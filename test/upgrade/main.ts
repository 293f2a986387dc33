import { defineCommand } from "../../cli/command.ts";
import { withDefault } from "../../cli/command-option.ts";
import { wholeNumber } from "../../cli/option-values.ts";
import { runProcess } from "../../cli/run-command.ts";
import { TestWorld } from "../support/test-world.ts";
import { playUpgrade } from "./play-upgrade.ts";

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** The upgrade of a journal with a long history. */
export const upgrade = defineCommand({
  name: "upgrade",
  says: `Brings a journal of version 0.2.0 to now, and back, and there again, while an application writes: old and new relays side by side, killed and started again in the middle of it. Judges what a subscriber and a reader of the feed saw.`,
  options: {
    messages: withDefault(
      "<n>",
      "messages that the journal has before",
      "1000000",
      wholeNumber(1, 1e8),
    ),
  },
  config: {},
  exits1When: "a message was missing, came twice, or the feed had a gap",
  run: async ({ options: { messages } }) => {
    const world = await TestWorld.create();
    try {
      const { problems, ...figures } = await playUpgrade(world, messages, print);
      for (const problem of problems) print(`problem: ${problem}`);
      print(JSON.stringify(figures));
      return problems.length === 0 ? 0 : 1;
    } finally {
      await world.end();
    }
  },
});

if (import.meta.main) await runProcess(upgrade);
