import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isReachable, makeOwnedFolder } from "./reachable-folder.ts";

let open: string;
let closed: string;
const places: string[] = [];

beforeEach(() => {
  open = mkdtempSync(join(tmpdir(), "reachable-"));
  chmodSync(open, 0o755);
  closed = join(open, "closed");
  mkdirSync(closed, { mode: 0o700 });
});

afterEach(() => {
  for (const place of places.splice(0)) rmSync(place, { recursive: true, force: true });
  rmSync(open, { recursive: true, force: true });
});

test("a folder is reachable when everybody may enter every folder above it", () => {
  expect(isReachable(join(open, "data"))).toBe(true);
  expect(isReachable(join(open, "not", "there", "yet"))).toBe(true);
  expect(isReachable(join(closed, "data"))).toBe(false);
  expect(isReachable(join(closed, "not", "there", "yet"))).toBe(false);
});

test("how the folder itself is closed does not matter: its owner enters it", () => {
  expect(isReachable(closed)).toBe(true);
});

test("without another user the folder is made where it was asked for, closed to others", () => {
  const path = join(closed, "parent", "data");
  expect(makeOwnedFolder(path, {})).toBe(path);
  expect(lstatSync(path).isDirectory()).toBe(true);
  expect(statSync(path).mode & 0o777).toBe(0o700);
  expect(makeOwnedFolder(path, {})).toBe(path);
});

describe.skipIf(process.getuid?.() !== 0)("as root, for a user without privileges", () => {
  const nobody = { uid: 65_534, gid: 65_534 };

  /** Makes the folder and remembers its real place, to remove it. */
  function make(path: string): string {
    const place = makeOwnedFolder(path, nobody);
    if (place !== path) places.push(place);
    return place;
  }

  test("a reachable folder becomes that user's", () => {
    const path = join(open, "data");
    expect(make(path)).toBe(path);
    expect(statSync(path)).toMatchObject(nobody);
  });

  test("a folder that cannot be reached lies in /var/tmp, with a link to it", () => {
    const path = join(closed, "data");
    const place = make(path);
    expect(place).toMatch(/^\/var\/tmp\/escrow-stream-/);
    expect(readlinkSync(path)).toBe(place);
    expect(statSync(place)).toMatchObject(nobody);
    expect(isReachable(place)).toBe(true);
  });

  test("the folder behind the link is found again", () => {
    const path = join(closed, "data");
    expect(make(path)).toBe(make(path));
  });

  test("a link whose folder was cleaned away is replaced", () => {
    const path = join(closed, "data");
    symlinkSync(join(open, "gone"), path);
    const place = make(path);
    expect(existsSync(place)).toBe(true);
    expect(readlinkSync(path)).toBe(place);
  });
});
