import {
  closeSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from "node:fs";
import type { ProgressRecord } from "./progress-record.ts";

/**
 * The steps of an audit that are done, one JSON record in a line. A record counts when its line is
 * complete; each is on the disk before the next step begins, so a kill loses one step at the most.
 */
export class ProgressFile {
  readonly path: string;
  readonly #file: number;

  constructor(path: string) {
    this.path = path;
    this.#file = openSync(path, "a+");
  }

  /** The records that are complete; what a kill left behind them is cut off. */
  read(): ProgressRecord[] {
    const text = readFileSync(this.path);
    const records: ProgressRecord[] = [];
    let at = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", at)) {
      const record = parseRecord(text.toString("utf8", at, end));
      // What stands behind a line that is none cannot follow on it.
      if (record === null) break;
      records.push(record);
      at = end + 1;
    }
    if (at < text.length) ftruncateSync(this.#file, at);
    return records;
  }

  append(record: ProgressRecord): void {
    writeSync(this.#file, `${JSON.stringify(record)}\n`);
    fsyncSync(this.#file);
  }

  /** Forgets everything. */
  clear(): void {
    ftruncateSync(this.#file, 0);
    fsyncSync(this.#file);
  }

  close(): void {
    closeSync(this.#file);
  }

  /** The audit is done, and its certificate is written. */
  remove(): void {
    this.close();
    rmSync(this.path, { force: true });
  }
}

function parseRecord(line: string): ProgressRecord | null {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
