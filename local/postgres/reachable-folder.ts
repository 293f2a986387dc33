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
import { ConfigError } from "../../config/config-error.ts";
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
 * Makes a folder that the given user, or we, own and can reach. Where a parent folder is closed to others
 * (a clone below `/root`), the folder itself lies in `/var/tmp` and `path` is a link to it.
 *
 * @returns the folder's real place
 * @throws ConfigError when it belongs to somebody else
 */
export function makeOwnedFolder(path: string, { uid, gid }: RunAs): string {
  refuseFolderOfOthers(path, uid);
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

/** PostgreSQL runs in a folder of its own user alone; to take it from another would lock them out. */
function refuseFolderOfOthers(path: string, uid = process.getuid?.()): void {
  const owner = statSync(path, { throwIfNoEntry: false })?.uid;
  if (owner === undefined || owner === uid || owner === process.getuid?.()) return;
  const what = `${path} belongs to user ${owner}: start as that user, or name another folder`;
  throw new ConfigError([{ where: "DATA_DIR", what, code: "ES-DATA-FOLDER" }]);
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}
