import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DoneLog } from "./done-log.ts";
import { RecordFile } from "./record-file.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "done-log-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const owed = (path: string) => {
  const { log, backlog } = DoneLog.recover(path);
  log.close();
  const sequences = Array.from({ length: backlog.end }, (_, sequence) => sequence);
  return sequences.filter((sequence) => backlog.owes(sequence));
};

test("A subscription owes after a restart what was open and what came since, but what it is done with", () => {
  const path = join(folder, "1.log");
  const log = DoneLog.create(path, 0);
  log.rewrite({ upTo: 6, open: [2, 3, 5] });
  log.append([3, 7]);
  log.close();
  expect(owed(path)).toEqual([2, 5, 6]);
});

test("A folder that version 0.1 wrote is read", () => {
  const path = join(folder, "1.log");
  const file = RecordFile.open(path);
  file.append(Buffer.from([0]), Buffer.from('{"upTo":6,"unsettled":[[2,2],[5,1]]}'));
  file.append(Buffer.from([1]), Buffer.from("[[3,1]]"));
  file.close();
  expect(owed(path)).toEqual([2, 5]);
});
