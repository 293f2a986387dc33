import { databaseSection } from "../config/process-config.ts";
import { checkDatabase } from "../db/check-database.ts";
import { VIEWS_SCHEMA } from "../engine/build-schema.ts";
import { showEscrow } from "../proof/archive/show-escrow.ts";
import { defineCommand } from "./command.ts";
import { flag, optional, withDefault } from "./command-option.ts";
import { escrowJson, escrowLines } from "./escrow-report.ts";
import { blockNumber, schemaName } from "./option-values.ts";
import { runProcess } from "./run-command.ts";

export const state = defineCommand({
  name: "state",
  says: `Shows an escrow as it stood when a block had been indexed, folded from its events up to there. <chain> is a chain's id or its name.`,
  options: {
    block: optional("<number>", "default: the last indexed block", blockNumber),
    json: flag("for machines"),
    schema: withDefault(
      "<name>",
      "a deployment's schema, or that of the live one's views",
      VIEWS_SCHEMA,
      schemaName,
    ),
  },
  words: { usage: "<chain> <escrow>", read: readWords },
  config: { databaseUrl: databaseSection },
  dataDir: "finds",
  exits1When: "there is nothing to show",
  run: async ({ options: { block, schema, json }, words, config: { databaseUrl } }) => {
    await checkDatabase(databaseUrl, { use: "connect" });
    const shown = await showEscrow(databaseUrl, { ...words, block, schema });
    console.log(json ? JSON.stringify(escrowJson(shown)) : escrowLines(shown).join("\n"));
    return 0;
  },
});

function readWords([chain, address, ...more]: string[]) {
  if (chain === undefined || address === undefined || more.length > 0)
    throw new Error("expected <chain> <escrow>; see --help");
  if (!/^0x[0-9a-fA-F]{40}$/.test(address))
    throw new Error(`"${address}" is not an address: expected 0x and 40 hex digits`);
  return { chain, address: address.toLowerCase() as `0x${string}` };
}

if (import.meta.main) await runProcess(state);
