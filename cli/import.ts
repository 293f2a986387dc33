import "./load-env-file.ts";
import { parseArgs } from "node:util";
import { sql } from "kysely";
import { ConfigError } from "../config/config-error.ts";
import { exitWith, parseProcessConfig } from "../config/process-config.ts";
import { checkDatabase } from "../db/check-database.ts";
import { FrozenDatabase } from "../db/frozen-database.ts";
import { VIEWS_SCHEMA } from "../engine/build-schema.ts";
import { showIfFirst } from "../engine/show-if-first.ts";
import { importEvents } from "../proof/archive/import-events.ts";
import { BadExport } from "../proof/archive/read-export.ts";
import { Findings } from "../proof/verify/findings.ts";
import { verifyStore } from "../proof/verify/verify-store.ts";
import { parseSchemaName } from "./schema-option.ts";

/* `npm run import -- FILE`: an export into a database, folded and verified. */

const DEFAULT_SCHEMA = "escrow_import";
const FINDINGS_SHOWN = 20;
const HELP = `Usage: npm run import -- <file | -> [--schema <name>]

Reads an export into an empty schema, folds the read models from it, verifies all of it, and points
the stable views at it where there are none. In one transaction: refused or killed, it leaves
nothing. A file whose name ends in .gz is unpacked; - is standard input.

  --schema   default ${DEFAULT_SCHEMA}; must not hold anything

Good for SQL, for the API and for audits elsewhere. The indexer does not go on from it: it indexes
its own build from the chain beside it. Needs DATABASE_URL. Exit code 1 when the file is not good.`;

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      schema: { type: "string", default: DEFAULT_SCHEMA },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    process.exit(0);
  }
  const [file, ...more] = positionals;
  if (file === undefined || more.length > 0)
    throw new ConfigError([{ where: "arguments", what: "expected one <file>, or -" }]);
  const schema = parseSchemaName("--schema", values.schema);
  if (schema === VIEWS_SCHEMA)
    throw new ConfigError([
      { where: "--schema", what: `"${VIEWS_SCHEMA}" is for the stable views: name another one` },
    ]);
  const { databaseUrl } = parseProcessConfig(process.env);
  await checkDatabase(databaseUrl);
  process.exitCode = await run(databaseUrl, schema, file);
} catch (error) {
  if (error instanceof BadExport || (error as NodeJS.ErrnoException).syscall !== undefined) {
    const { message, code } = error as NodeJS.ErrnoException;
    if (error instanceof BadExport || code === "ENOENT" || code === "EACCES" || code === "EISDIR") {
      console.error(`${message}\nNothing was imported.`);
      process.exit(1);
    }
  }
  exitWith(error);
}

async function run(databaseUrl: string, schema: string, file: string): Promise<number> {
  const { header, trailer } = await importEvents({
    databaseUrl,
    schema,
    file,
    onProgress: (events) => showProgress(`${events} events imported`),
  });
  const findings = new Findings(FINDINGS_SHOWN);
  const { rows } = await verifyStore(
    { databaseUrl, schema, blocks: new Map(), onProgress: showProgress },
    findings,
  );
  showProgress("");
  const database = await FrozenDatabase.open(databaseUrl);
  let isDone = false;
  try {
    if (findings.total > 0) {
      for (const { check, subject, detail } of findings.list())
        console.error(`${check}: ${subject}: ${detail}`);
      console.error(`The import differs from what its events fold to; it was taken back.`);
      await database.write(sql`drop schema ${sql.id(schema)} cascade`);
      isDone = true;
      return 1;
    }
    // All but the outbox: without its view a relay finds nothing to publish here a second time.
    const tables = ["event", ...rows.map(({ projection }) => projection)];
    const isShown = await showIfFirst(database, schema, tables);
    isDone = true;
    for (const { chain_id, name, from_block, to_block, final_block } of header.chains)
      console.log(
        `chain ${chain_id} (${name}): blocks ${from_block} to ${to_block}, final up to ${final_block}`,
      );
    for (const { projection, rows: count } of rows) console.log(`${projection}: ${count} rows`);
    console.log(
      `imported ${trailer.events} events into schema ${schema}, sha256 of the events ${trailer.events_sha256}; everything agrees`,
    );
    console.log(
      isShown
        ? `the views in schema ${VIEWS_SCHEMA} show it`
        : `the views in schema ${VIEWS_SCHEMA} show another deployment, and were left as they are`,
    );
    return 0;
  } finally {
    await database.close({ keep: isDone });
  }
}

function showProgress(step: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${step}`);
}
