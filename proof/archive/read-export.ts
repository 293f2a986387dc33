import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { createGunzip } from "node:zlib";
import type { z } from "zod";
import {
  type ExportedEvent,
  type ExportHeader,
  type ExportTrailer,
  exportLine,
} from "./export-format.ts";

const LINE_FEED = 0x0a;
/** An event is of about 1 kB. */
const MAX_LINE_BYTES = 1_000_000;

/** A file that is no whole and unchanged export. The message names the line. */
export class BadExport extends Error {
  override name = "BadExport";
  readonly code = "ES-EXPORT-BAD";
}

export type NumberedEvent = { line: number; event: ExportedEvent };

type Line = { line: number; bytes: Buffer };

/**
 * Reads an export line by line, in constant memory. That it was whole and unchanged is known at its
 * end alone: nothing that was read may be kept before `events` has come to its end without an error.
 */
export class ExportReader {
  readonly #name: string;
  readonly #lines: AsyncGenerator<Line>;
  readonly #all = createHash("sha256");
  readonly #own = createHash("sha256");

  /** @param file `-` for standard input; unpacked when its name ends in `.gz` */
  constructor(file: string) {
    this.#name = file === "-" ? "standard input" : file;
    this.#lines = readLines(file, (line, problem, cause) => this.problem(line, problem, cause));
  }

  /** An error about a line. */
  problem(line: number, problem: string, cause?: unknown): BadExport {
    return new BadExport(`${this.#name}, line ${line}: ${problem}`, { cause });
  }

  /** @throws BadExport unless the first line is a header of this format */
  async header(): Promise<ExportHeader> {
    const first = await this.#lines.next();
    if (first.done) throw this.problem(1, "the file is empty");
    this.#all.update(first.value.bytes);
    return this.#parse(first.value, exportLine.header, "no header of an export of this format");
  }

  /**
   * The events, after the header.
   *
   * @throws BadExport for a line that is no event, and when the file was cut off or changed
   */
  async *events(): AsyncGenerator<NumberedEvent, ExportTrailer> {
    let events = 0;
    let last = 1;
    for await (const each of this.#lines) {
      last = each.line;
      if (each.bytes.indexOf('{"trailer":') === 0) {
        const trailer = this.#parse(each, exportLine.trailer, "no trailer of an export");
        this.#checkTrailer(last, events, trailer);
        const more = await this.#lines.next();
        if (!more.done) throw this.problem(last + 1, "there is something behind the trailer");
        return trailer;
      }
      this.#all.update(each.bytes);
      this.#own.update(each.bytes);
      events += 1;
      yield { line: last, event: this.#parse(each, exportLine.event, "no exported event") };
    }
    throw this.problem(last, "the file ends here without a trailer: it was cut off");
  }

  #checkTrailer(line: number, events: number, trailer: ExportTrailer): void {
    if (trailer.events !== events)
      throw this.problem(line, `the trailer counts ${trailer.events} events, there are ${events}`);
    const differs = (hash: Hash, stated: string): boolean => hash.digest("hex") !== stated;
    if (differs(this.#own, trailer.events_sha256) || differs(this.#all, trailer.sha256))
      throw this.problem(line, "the SHA-256 is another: the file was changed after it was written");
  }

  #parse<T>({ line, bytes }: Line, schema: z.ZodType<T>, what: string): T {
    let json: unknown;
    try {
      json = JSON.parse(bytes.toString("utf8"));
    } catch (error) {
      throw this.problem(line, `no JSON: ${(error as Error).message}`, error);
    }
    const result = schema.safeParse(json);
    if (result.success) return result.data;
    const [issue] = result.error.issues;
    throw this.problem(line, `${what}: ${issue?.path.join(".") || "it"}: ${issue?.message}`);
  }
}

/** Lines with their line feeds; one without is the rest of a file that was cut off. */
async function* readLines(
  file: string,
  problem: (line: number, problem: string, cause?: unknown) => BadExport,
): AsyncGenerator<Line> {
  let line = 1;
  let rest: Buffer[] = [];
  let restBytes = 0;
  try {
    for await (const chunk of open(file)) {
      let start = 0;
      for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
        yield { line, bytes: Buffer.concat([...rest, chunk.subarray(start, end + 1)]) };
        line += 1;
        rest = [];
        restBytes = 0;
        start = end + 1;
      }
      rest.push(chunk.subarray(start));
      restBytes += chunk.length - start;
      if (restBytes > MAX_LINE_BYTES)
        throw problem(line, `it is longer than ${MAX_LINE_BYTES} bytes`);
    }
  } catch (error) {
    if (!String((error as { code?: unknown }).code).startsWith("Z_")) throw error;
    throw problem(line, `the file cannot be unpacked: ${(error as Error).message}`, error);
  }
  if (restBytes > 0) throw problem(line, "the file ends within this line: it was cut off");
}

function open(file: string): AsyncIterable<Buffer> {
  if (file === "-") return process.stdin;
  const packed = createReadStream(file);
  if (!file.endsWith(".gz")) return packed;
  const unpacked = createGunzip();
  packed.on("error", (error) => unpacked.destroy(error));
  return packed.pipe(unpacked);
}
