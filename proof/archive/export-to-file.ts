import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { CodedError } from "../../config/coded-error.ts";
import { FrozenDatabase } from "../../db/frozen-database.ts";
import { findDeployment } from "../../engine/deployment/find-deployment.ts";
import { exportEvents } from "./export-events.ts";
import { type ExportRange, exportRanges, type WantedRange } from "./export-range.ts";
import { writeFile } from "./write-file.ts";

export type ExportOptions = {
  /** Schema of a deployment; undefined for the one that the views show. */
  schema: string | undefined;
  wanted: WantedRange;
  /** A file, or `-` for standard output. */
  out: string;
  signal: AbortSignal;
  onProgress(events: number): void;
};

export type Exported = { schema: string; events: number; ranges: ExportRange[] };

/**
 * Writes the event store, as of one moment. The file is there as a whole or not at all.
 *
 * @throws CodedError when the file cannot be written, or `signal` ended it
 */
export async function exportToFile(
  databaseUrl: string,
  { schema, wanted, out, signal, onProgress }: ExportOptions,
): Promise<Exported> {
  const database = await FrozenDatabase.open(databaseUrl);
  try {
    const deployment = await findDeployment(database, schema);
    const ranges = exportRanges(deployment, wanted);
    let events = 0;
    const text = exportEvents(database, deployment, ranges, {
      exportedAt: new Date(),
      onProgress: (count) => {
        events = count;
        onProgress(count);
      },
    });
    if (out === "-") await pipeline(Readable.from(text), process.stdout, { signal, end: false });
    else await writeFile(out, text, signal);
    return { schema: deployment.schema, events, ranges };
  } catch (error) {
    if (signal.aborted)
      throw new CodedError("ES-FILE", "interrupted: nothing was written", { cause: error });
    if (isAboutTheFile(error))
      throw new CodedError("ES-FILE", `the export could not be written: ${error.message}`, {
        cause: error,
      });
    throw error;
  } finally {
    await database.close({ keep: false });
  }
}

/** No space, no folder, no permission, a reader that went away. */
function isAboutTheFile(error: unknown): error is NodeJS.ErrnoException {
  const { code, syscall } = error as NodeJS.ErrnoException;
  return (
    code === "EPIPE" || (syscall !== undefined && ["open", "write", "rename"].includes(syscall))
  );
}
