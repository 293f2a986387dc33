import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { RunAs } from "./unprivileged-user.ts";

const OTHERS_MAY_ENTER = 0o001;

/** Whether a user without privileges can walk from the root folder down to `path`. */
export function isReachable(path: string): boolean {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if (existsSync(folder) && (statSync(folder).mode & OTHERS_MAY_ENTER) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

/**
 * Makes a folder that the given user owns and can reach. Where a parent folder is closed to others
 * (a clone below `/root`), the folder itself lies in `/var/tmp` and `path` is a link to it.
 *
 * @returns the folder's real place
 */
export function makeOwnedFolder(path: string, { uid, gid }: RunAs): string {
  mkdirSync(dirname(path), { recursive: true });
  if (uid === undefined || gid === undefined || isReachable(path)) {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    if (uid !== undefined && gid !== undefined) chownSync(path, uid, gid);
    return path;
  }
  if (existsSync(path)) return realpathSync(path);
  if (isLink(path)) rmSync(path);
  const place = mkdtempSync(join("/var/tmp", "escrow-stream-"));
  chownSync(place, uid, gid);
  symlinkSync(place, path);
  return place;
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}
