import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { RecordFile } from "./record-file.ts";

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "record-file-"));
  path = join(folder, "records.log");
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(...records: string[]): void {
  const file = RecordFile.open(path);
  for (const record of records) file.append(Buffer.from(record));
  file.close();
}

function recover(): string[] {
  const records: string[] = [];
  RecordFile.recover(path, (record) => records.push(record.toString())).close();
  return records;
}

test("gives back all records in the order in which they were appended", () => {
  write("one", "", "three");
  write("four");
  expect(recover()).toEqual(["one", "", "three", "four"]);
});

test("drops a torn last record wherever the write stopped, and goes on after the whole ones", () => {
  write("one", "two");
  const whole = readFileSync(path);
  for (let cut = 1; cut < 11; cut++) {
    writeFileSync(path, whole);
    truncateSync(path, whole.length - cut);
    expect(recover()).toEqual(["one"]);
    write("three");
    expect(recover()).toEqual(["one", "three"]);
  }
});

test("drops a last record whose bytes are not those that were written", () => {
  write("one", "two");
  const bytes = readFileSync(path);
  bytes[bytes.length - 1] = 0;
  writeFileSync(path, bytes);
  expect(recover()).toEqual(["one"]);
  appendFileSync(path, Buffer.alloc(3));
  expect(recover()).toEqual(["one"]);
});

test("refuses a file in which a record before the last one is damaged", () => {
  write("one", "two");
  const bytes = readFileSync(path);
  bytes[8] = 0;
  writeFileSync(path, bytes);
  expect(() => recover()).toThrow("damaged at byte 0");
});
