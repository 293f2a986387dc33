import "./load-env-file.ts";
import { parseArgs } from "node:util";
import { ConfigError } from "../config/config-error.ts";
import { exitWith, parseProcessConfig } from "../config/process-config.ts";
import { checkDatabase } from "../db/check-database.ts";
import { differenceInWords } from "../proof/verify/compare-projection.ts";
import { READ_MODEL_NAMES } from "../proof/verify/read-model-fold.ts";
import { type Rebuild, rebuildProjections } from "../proof/verify/rebuild-projections.ts";
import { parseLimit } from "../proof/verify/verify-options.ts";

/*
 * `npm run rebuild -- --projection <name>`: folds read models from the event store, beside the
 * engine, and compares. Exit code 0 when they are equal, 1 when not.
 */

const HELP = `Usage: npm run rebuild -- [--projection <name | all>] [--schema <name>] [--limit <n>] [--keep] [--json]

Folds projections straight from the event store into shadow tables and compares them with the read
models, as of one moment. Exit code 0 when they are equal, 1 when not. Needs DATABASE_URL; npm start
prints that of its embedded PostgreSQL, which is there while it runs.

  --projection  all (default), ${READ_MODEL_NAMES.join(", ")}
  --schema      a deployment's schema (default: the one that the views point at)
  --limit       differing rows to show of each projection (default 50)
  --keep        leaves the folded tables in schema rebuild, in place of what is there
  --json        one JSON object instead of lines`;

try {
  const { values } = parseArgs({
    options: {
      projection: { type: "string", default: "all" },
      schema: { type: "string" },
      limit: { type: "string", default: "50" },
      keep: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    process.exit(0);
  }
  if (values.projection === "")
    throw new ConfigError([{ where: "--projection", what: "expected a name" }]);
  const { databaseUrl } = parseProcessConfig(process.env);
  const limit = parseLimit(values.limit);
  await checkDatabase(databaseUrl);
  const rebuild = await rebuildProjections({
    databaseUrl,
    ...(values.schema === undefined ? {} : { schema: values.schema }),
    projection: values.projection,
    limit,
    keep: values.keep,
    onProgress: (events) =>
      process.stderr.isTTY && process.stderr.write(`\r\x1b[K${events} events folded`),
  });
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  if (values.json) printJson(rebuild);
  else printLines(rebuild);
  const { comparisons, findings } = rebuild;
  const isEqual = findings.total === 0 && comparisons.every(({ differing }) => differing === 0);
  process.exitCode = isEqual ? 0 : 1;
} catch (error) {
  exitWith(error);
}

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
