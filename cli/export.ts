import { databaseSection } from "../config/process-config.ts";
import { checkDatabase } from "../db/check-database.ts";
import { exportToFile } from "../proof/archive/export-to-file.ts";
import { abortOnSignal } from "./abort-on-signal.ts";
import { defineCommand } from "./command.ts";
import { flag, optional, repeated } from "./command-option.ts";
import { blockNumber, notEmpty, schemaName } from "./option-values.ts";
import { runProcess } from "./run-command.ts";
import { showProgress } from "./show-progress.ts";

export const exportCommand = defineCommand({
  name: "export",
  says: `Writes the event store as NDJSON: a header, one line per event in chain order, and a trailer with their number and SHA-256. As of one moment; the file is there as a whole or not at all.`,
  options: {
    out: optional(
      "<file | ->",
      "compressed when it ends in .gz; - for standard output",
      notEmpty("a file, or -"),
    ),
    chain: repeated("<id | name>", "this chain only (default: all)"),
    "from-block": optional(
      "<n>",
      "default 0. An import needs the streams whole: keep to the beginning",
      blockNumber,
    ),
    "to-block": optional("<n>", "default: the last indexed block", blockNumber),
    final: flag("only what is final (without it: everything indexed)"),
    schema: optional(
      "<name>",
      "a deployment's schema (default: the one that the views point at)",
      schemaName,
    ),
  },
  config: { databaseUrl: databaseSection },
  dataDir: "finds",
  exits1When: "the file could not be written",
  check: ({ out }) =>
    out === undefined ? [{ where: "--out", what: "say where to write: a file, or -" }] : [],
  run: async ({ options, config }) => {
    await checkDatabase(config.databaseUrl, { use: "connect" });
    const { schema, events, ranges } = await exportToFile(config.databaseUrl, {
      schema: options.schema,
      wanted: {
        chains: options.chain,
        fromBlock: options["from-block"] ?? null,
        toBlock: options["to-block"] ?? null,
        onlyFinal: options.final,
      },
      out: options.out ?? "-",
      signal: abortOnSignal(),
      onProgress: (count) => showProgress(`${count} events`),
    });
    showProgress("");
    const blocks = ranges.map(
      ({ chain, fromBlock, toBlock }) =>
        `chain ${chain.chainId} (${chain.name}) blocks ${fromBlock} to ${toBlock}`,
    );
    console.error(`exported ${events} events of ${schema}: ${blocks.join(", ")}`);
    return 0;
  },
});

if (import.meta.main) await runProcess(exportCommand);
