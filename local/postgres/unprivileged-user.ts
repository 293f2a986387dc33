import { readFileSync } from "node:fs";

/** Spawn options that make a child run as somebody else; empty when there is no need. */
export type RunAs = { uid?: number; gid?: number };

/**
 * PostgreSQL refuses to run as root. As root its processes run as `nobody`, who exists on every
 * Unix and needs no account made for him; as anybody else they run as that user.
 *
 * @throws when we are root and there is no `nobody`
 */
export function unprivilegedUser(): RunAs {
  if (process.getuid?.() !== 0) return {};
  const entry = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"))
    .find(([name]) => name === "nobody");
  if (!entry)
    throw new Error(
      "PostgreSQL does not run as root, and /etc/passwd has no user `nobody` to run it as. " +
        "Start escrow-stream as an ordinary user, or set DATABASE_URL to a server of yours.",
    );
  return { uid: Number(entry[2]), gid: Number(entry[3]) };
}
