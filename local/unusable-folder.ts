import { ConfigError } from "../config/config-error.ts";

/** What the system says of a place where we may not, or cannot, keep files. */
const UNUSABLE = new Set(["EACCES", "EPERM", "EROFS", "ENOTDIR", "EEXIST", "ENOSPC"]);

/** The error that tells a person so, when that is what `error` says of the data folder. */
export function unusableFolder(path: string, error: unknown): ConfigError | null {
  const { code = "", syscall, message } = error as NodeJS.ErrnoException;
  if (!UNUSABLE.has(code) && !(code === "ENOENT" && syscall === "mkdir")) return null;
  const what = `${path} cannot be used: ${message}`;
  return new ConfigError([{ where: "DATA_DIR", what, code: "ES-DATA-FOLDER" }], { cause: error });
}
