import { closeSync, fstatSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { crc32 } from "node:zlib";

const HEADER_BYTES = 8;

/**
 * An append-only file of records, each framed as length (u32), CRC-32 (u32), payload.
 *
 * `append` returns when the operating system has the bytes: they survive the death of this process
 * (kill -9), not a power failure, because nothing is fsynced. A record that a dying process left
 * half-written at the end of the file is cut off on opening.
 */
export class RecordFile {
  readonly path: string;
  readonly #fd: number;
  #size: number;
  #isClosed = false;

  private constructor(path: string, fd: number, size: number) {
    this.path = path;
    this.#fd = fd;
    this.#size = size;
  }

  /** Opens for appending, creating the file when it does not exist. */
  static open(path: string): RecordFile {
    const fd = openSync(path, "a+");
    const size = fstatSync(fd).size;
    return new RecordFile(path, fd, size);
  }

  /** Opens for appending after a crash: calls `visit` with every whole record, cuts off the rest. */
  static recover(path: string, visit: (payload: Buffer) => void): RecordFile {
    const file = RecordFile.open(path);
    const wholeBytes = readRecords(path, visit);
    if (wholeBytes < file.#size) {
      ftruncateSync(file.#fd, wholeBytes);
      file.#size = wholeBytes;
    }
    return file;
  }

  /** Bytes in the file. */
  get size(): number {
    return this.#size;
  }

  /** Appends one record: wholly or, when this throws, not at all. */
  append(...payload: readonly Uint8Array[]): void {
    // The system may have given the descriptor to another file by now.
    if (this.#isClosed) throw new Error(`${this.path} is closed`);
    const header = Buffer.allocUnsafe(HEADER_BYTES);
    const length = payload.reduce((sum, part) => sum + part.length, 0);
    header.writeUInt32LE(length, 0);
    header.writeUInt32LE(
      payload.reduce((crc, part) => crc32(part, crc), 0),
      4,
    );
    try {
      for (const part of [header, ...payload]) writeFully(this.#fd, part);
    } catch (error) {
      ftruncateSync(this.#fd, this.#size);
      throw error;
    }
    this.#size += HEADER_BYTES + length;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    closeSync(this.#fd);
  }
}

/**
 * Calls `visit` with each whole record and returns the number of bytes they take up.
 *
 * @throws when a record is damaged that is not the last one: no interrupted write does that
 */
export function readRecords(path: string, visit: (payload: Buffer) => void): number {
  const bytes = readFileSync(path);
  let at = 0;
  while (at + HEADER_BYTES <= bytes.length) {
    const end = at + HEADER_BYTES + bytes.readUInt32LE(at);
    if (end > bytes.length) break;
    const payload = bytes.subarray(at + HEADER_BYTES, end);
    if (crc32(payload) !== bytes.readUInt32LE(at + 4)) {
      if (end < bytes.length) throw new Error(`${path} is damaged at byte ${at}`);
      break;
    }
    visit(payload);
    at = end;
  }
  return at;
}

function writeFully(fd: number, bytes: Uint8Array): void {
  let written = 0;
  while (written < bytes.length) written += writeSync(fd, bytes, written);
}
