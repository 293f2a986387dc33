import { databaseSection } from "../config/process-config.ts";
import { checkDatabase } from "../db/check-database.ts";
import { differenceInWords } from "../proof/verify/compare-projection.ts";
import { READ_MODEL_NAMES } from "../proof/verify/read-model-fold.ts";
import { type Rebuild, rebuildProjections } from "../proof/verify/rebuild-projections.ts";
import { defineCommand } from "./command.ts";
import { flag, optional, withDefault } from "./command-option.ts";
import { notEmpty, wholeNumber } from "./option-values.ts";
import { runProcess } from "./run-command.ts";
import { showProgress } from "./show-progress.ts";

export const rebuild = defineCommand({
  name: "rebuild",
  says: `Folds projections straight from the event store into shadow tables and compares them with the read models, as of one moment.`,
  options: {
    projection: withDefault("<name>", READ_MODEL_NAMES.join(", "), "all", notEmpty("a name")),
    schema: optional("<name>", "a deployment's schema (default: the one that the views point at)"),
    limit: withDefault(
      "<n>",
      "differing rows to show of each projection",
      "50",
      wholeNumber(1, 999_999),
    ),
    keep: flag("leaves the folded tables in schema rebuild, in place of what is there"),
    json: flag("one JSON object instead of lines"),
  },
  config: { databaseUrl: databaseSection },
  dataDir: "finds",
  exits1When: "they differ",
  run: async ({ options: { schema, json, ...options }, config: { databaseUrl } }) => {
    await checkDatabase(databaseUrl);
    const rebuilt = await rebuildProjections({
      ...{ databaseUrl, ...options, ...(schema === undefined ? {} : { schema }) },
      onProgress: (events) => showProgress(`${events} events folded`),
    });
    showProgress("");
    if (json) printJson(rebuilt);
    else printLines(rebuilt);
    const { comparisons, findings } = rebuilt;
    return findings.total === 0 && comparisons.every(({ differing }) => differing === 0) ? 0 : 1;
  },
});

function printLines({ deployment, events, comparisons, findings, keptIn }: Rebuild): void {
  console.log(`deployment ${deployment.schema}: ${events} events folded`);
  for (const { check, subject, detail } of findings.list())
    console.log(`${check}: ${subject}: ${detail}`);
  for (const { projection, rows, differing, differences } of comparisons) {
    console.log(`${projection}: ${rows} rows, ${differing} different`);
    for (const difference of differences)
      console.log(`  ${difference.key}: ${differenceInWords(difference)}`);
    if (differing > differences.length)
      console.log(`  … and ${differing - differences.length} more`);
  }
  if (keptIn !== null) console.log(`the folded tables are in schema ${keptIn}`);
}

function printJson({ deployment, events, comparisons, findings, keptIn }: Rebuild): void {
  const report = { deployment, events, keptIn, comparisons, unreadable: findings.list() };
  console.log(JSON.stringify(report, null, 2));
}

if (import.meta.main) await runProcess(rebuild);
