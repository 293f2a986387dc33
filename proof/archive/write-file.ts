import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";

/**
 * Writes text to a file that is there as a whole or not at all: beside it first, brought to disk,
 * then renamed into place, over what was there. Compressed when its name ends in `.gz`. A process
 * that is killed leaves `<file>.<pid>.partial`, which nobody reads.
 *
 * @param signal ends it; then nothing is left
 */
export async function writeFile(
  file: string,
  text: AsyncIterable<string>,
  signal: AbortSignal,
): Promise<void> {
  const partial = `${file}.${process.pid}.partial`;
  const target = createWriteStream(partial, { flags: "w", flush: true });
  try {
    const source = Readable.from(text);
    if (file.endsWith(".gz")) await pipeline(source, createGzip(), target, { signal });
    else await pipeline(source, target, { signal });
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}
