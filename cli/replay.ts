import { chainSection } from "../config/parse-chains.ts";
import { databaseSection } from "../config/process-config.ts";
import { checkDatabase } from "../db/check-database.ts";
import { deploymentSchema } from "../engine/build-schema.ts";
import { parseBlocks } from "../proof/replay/replay-options.ts";
import { replayOutput } from "../proof/replay/replay-output.ts";
import { runReplay } from "../proof/replay/run-replay.ts";
import { abortOnSignal } from "./abort-on-signal.ts";
import { defineCommand } from "./command.ts";
import { flag, repeated, withDefault } from "./command-option.ts";
import { duration, wholeNumber } from "./option-values.ts";
import { runProcess } from "./run-command.ts";

export const replay = defineCommand({
  name: "replay",
  says: `Builds the deployment again from block zero, out of what the database holds of the chains, beside the live one; compares the two row by row; lets the running indexer go on with the new one; and removes the old one.`,
  options: {
    "dry-run": flag("build and compare only"),
    "to-block": repeated(
      "<n>",
      "build and compare up to a final block only; with several chains <chain id>:<block>, once for each that is to be compared",
    ),
    "accept-differences": flag("go on with the new one although the two differ"),
    "accept-from": repeated(
      "<n>",
      "go on although they differ in what that block and later ones have touched, and only there; with several chains <chain id>:<block>",
    ),
    grace: withDefault("<time>", "how long the old one stays after the swap", "60s", duration),
    keep: flag("keep the old one"),
    limit: withDefault("<n>", "differing rows to show of each table", "20", wholeNumber(0, 1e9)),
  },
  config: { databaseUrl: databaseSection, chains: chainSection },
  dataDir: "finds",
  exits1When: "the two differ, or the new one could not be built",
  check: (options) =>
    (["accept-differences", "accept-from"] as const)
      .filter((name) => options["to-block"].length > 0 && [options[name]].flat().some(Boolean))
      .map((name) => ({
        where: `--${name}`,
        what: "with --to-block nothing is ever swapped: leave one of the two out",
      })),
  run: async ({ options, config: { databaseUrl, chains }, env }) => {
    const chainIds = chains.map(({ chainId }) => chainId);
    const toBlocks = parseBlocks("--to-block", options["to-block"], chainIds);
    const acceptsFrom = parseBlocks("--accept-from", options["accept-from"], chainIds);
    await checkDatabase(databaseUrl);
    return await runReplay(
      {
        graceMs: options.keep ? null : options.grace,
        isDryRun: options["dry-run"] || toBlocks !== null,
        acceptsDifferences: options["accept-differences"],
        acceptsFrom,
        toBlocks,
        limit: options.limit,
      },
      {
        ...{ databaseUrl, chains, env },
        build: await deploymentSchema(),
        output: replayOutput(process.stdout),
        signal: abortOnSignal(),
      },
    );
  },
});

if (import.meta.main) await runProcess(replay);
