import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CannotStart } from "./cannot-start.ts";

/**
 * Keeps two servers from writing to one data folder. The lock names its process, so that the lock
 * of a process that was killed does not stand in the way of the next one.
 *
 * @throws CannotStart when a living process holds the folder
 */
export function lockDataFolder(dataDir: string): { release(): void } {
  const path = join(dataDir, "server.lock");
  const holder = existsSync(path) ? readFileSync(path, "utf8") : "";
  if (holder !== "" && processIdentity(Number.parseInt(holder, 10)) === holder) {
    throw new CannotStart(
      `${dataDir} is in use by the Pub/Sub server with process id ${Number.parseInt(holder, 10)}`,
    );
  }
  writeFileSync(path, processIdentity(process.pid) ?? "");
  return { release: () => rmSync(path, { force: true }) };
}

/**
 * Process id and, where /proc tells it, start time: ids are given out again, above all in a
 * container that is restarted. Undefined when there is no such process.
 */
function processIdentity(pid: number): string | undefined {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return undefined;
  }
  const stat = `/proc/${pid}/stat`;
  if (!existsSync(stat)) return String(pid);
  // proc(5): the fields after the command, which stands in parentheses; start time is the 22nd.
  const fields = readFileSync(stat, "utf8").split(") ").at(-1)?.split(" ") ?? [];
  return `${pid} ${fields[19]}`;
}
