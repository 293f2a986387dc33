import { databaseSection } from "../config/process-config.ts";
import { checkDatabase } from "../db/check-database.ts";
import { withClient } from "../db/with-client.ts";
import { VIEWS_SCHEMA } from "../engine/build-schema.ts";
import { ensureProgressView } from "../engine/ensure-progress-view.ts";
import { type Imported, importAndVerify } from "../proof/archive/import-and-verify.ts";
import { defineCommand } from "./command.ts";
import { withDefault } from "./command-option.ts";
import { schemaName } from "./option-values.ts";
import { runProcess } from "./run-command.ts";
import { showProgress } from "./show-progress.ts";

export const importCommand = defineCommand({
  name: "import",
  says: `Reads an export into an empty schema, folds the read models from it, verifies all of it, and points the stable views at it where there are none. In one transaction: refused or killed, it leaves nothing. A file whose name ends in .gz is unpacked; - is standard input.

Good for SQL, for the API and for audits elsewhere. The indexer does not go on from it: it indexes its own build from the chain beside it.`,
  options: {
    schema: withDefault("<name>", "must not hold anything", "escrow_import", importSchema),
  },
  words: {
    usage: "<file | ->",
    read: ([file, ...more]) => {
      if (file === undefined || more.length > 0) throw new Error("expected one <file>, or -");
      return file;
    },
  },
  config: { databaseUrl: databaseSection },
  dataDir: "finds",
  exits1When: "the file is not good",
  run: async ({ options: { schema }, words: file, config: { databaseUrl } }) => {
    await checkDatabase(databaseUrl);
    const onProgress = showProgress;
    const imported = await importAndVerify(databaseUrl, { schema, file, onProgress });
    showProgress("");
    // Readers ask it how far the index is; an indexer would make it.
    if (imported.findings.total === 0) await withClient(databaseUrl, ensureProgressView);
    return imported.findings.total > 0 ? showFindings(imported) : showImport(imported, schema);
  },
});

function importSchema(text: string): string {
  if (text === VIEWS_SCHEMA)
    throw new Error(`"${VIEWS_SCHEMA}" is for the stable views: name another one`);
  return schemaName(text);
}

function showFindings({ findings }: Imported): number {
  for (const { check, subject, detail } of findings.list())
    console.error(`${check}: ${subject}: ${detail}`);
  console.error("The import differs from what its events fold to; it was removed again.");
  return 1;
}

function showImport({ header, trailer, rows, isShown }: Imported, schema: string): number {
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
}

if (import.meta.main) await runProcess(importCommand);
