import { sql } from "kysely";
import { CodedError } from "../../config/coded-error.ts";
import { FrozenDatabase } from "../../db/frozen-database.ts";
import { showIfFirst } from "../../engine/show-if-first.ts";
import { Findings } from "../verify/findings.ts";
import { verifyStore } from "../verify/verify-store.ts";
import type { ExportHeader, ExportTrailer } from "./export-format.ts";
import { importEvents } from "./import-events.ts";

export type Imported = {
  header: ExportHeader;
  trailer: ExportTrailer;
  rows: { projection: string; rows: number }[];
  /** What differs from the fold of the events; the import was removed again then. */
  findings: Findings;
  /** Whether the stable views show it. */
  isShown: boolean;
};

const FINDINGS_SHOWN = 20;

/**
 * Reads an export into an empty schema, verifies all of it, and points the stable views at it where
 * there are none.
 *
 * @throws BadExport; CodedError when the file cannot be read; nothing is imported then
 */
export async function importAndVerify(
  databaseUrl: string,
  { schema, file, onProgress }: { schema: string; file: string; onProgress(step: string): void },
): Promise<Imported> {
  const { header, trailer } = await importEvents({
    ...{ databaseUrl, schema, file },
    onProgress: (events) => onProgress(`${events} events imported`),
  }).catch((error: unknown) => {
    const { syscall, message } = error as NodeJS.ErrnoException;
    if (syscall !== "open" && syscall !== "read") throw error;
    throw new CodedError("ES-FILE", `${message}. Nothing was imported.`, { cause: error });
  });
  const findings = new Findings(FINDINGS_SHOWN);
  const { rows } = await verifyStore(
    { databaseUrl, schema, blocks: new Map(), onProgress },
    findings,
  );
  const database = await FrozenDatabase.open(databaseUrl);
  let isDone = false;
  let isShown = false;
  try {
    if (findings.total > 0) await database.write(sql`drop schema ${sql.id(schema)} cascade`);
    // All but the outbox: without its view a relay finds nothing to publish here a second time.
    else
      isShown = await showIfFirst(database, schema, [
        "event",
        ...rows.map(({ projection }) => projection),
      ]);
    isDone = true;
    return { header, trailer, rows, findings, isShown };
  } finally {
    await database.close({ keep: isDone });
  }
}
