import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { ConfigError } from "../config/config-error.ts";
import { unusableFolder } from "./unusable-folder.ts";

type Owner = { pid: number; startedAs: string; children: { pid: number; command: string }[] };

const ORPHAN_TIMEOUT_MS = 15_000;
const POLL_MS = 50;

/**
 * The folder that the local stack keeps its data in, owned by one process at a time.
 *
 * The owner writes down which servers it started. When it was killed and could not stop them, the
 * next owner does: two servers must never write to the same files.
 */
export class DataFolder {
  readonly path: string;
  readonly #file: string;
  readonly #owner: Owner;

  private constructor(path: string) {
    this.path = path;
    this.#file = join(path, "owner.json");
    this.#owner = { pid: process.pid, startedAs: commandOf(process.pid) ?? "", children: [] };
  }

  /**
   * Takes the folder, ending what a killed owner left running.
   *
   * @throws ConfigError when another process is using it, or we may not write there
   */
  static async take(path: string): Promise<DataFolder> {
    try {
      return await DataFolder.#take(path);
    } catch (error) {
      throw unusableFolder(path, error) ?? error;
    }
  }

  static async #take(path: string): Promise<DataFolder> {
    makeFolder(path);
    const folder = new DataFolder(path);
    const left = folder.#readOwner();
    if (left !== null) {
      if (left.pid !== process.pid && commandOf(left.pid) === left.startedAs)
        throw new ConfigError([
          {
            where: "DATA_DIR",
            what: `${path} is in use by process ${left.pid} (${left.startedAs}): stop it, or name another folder`,
            code: "ES-DATA-FOLDER",
          },
        ]);
      for (const { pid, command } of left.children) await end(pid, command);
    }
    folder.#write();
    return folder;
  }

  /** Where a part keeps its own files. */
  place(name: string): string {
    return join(this.path, name);
  }

  /** Writes down a server that has to end before anybody else uses the folder. */
  started(pid: number): void {
    const command = commandOf(pid);
    if (command === null) return;
    this.#owner.children.push({ pid, command });
    this.#write();
  }

  /** Gives the folder back; the servers must be gone. */
  release(): void {
    rmSync(this.#file, { force: true });
  }

  #readOwner(): Owner | null {
    if (!existsSync(this.#file)) return null;
    try {
      return JSON.parse(readFileSync(this.#file, "utf8"));
    } catch {
      return null;
    }
  }

  #write(): void {
    writeFileSync(this.#file, JSON.stringify(this.#owner, null, 2));
  }
}

/**
 * Makes a folder and those above it. Node's own recursion never ends where a file system refuses a
 * folder with ENOENT, as /proc does.
 */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  try {
    mkdirSync(path);
  } catch (error) {
    // Somebody else was quicker.
    if (!existsSync(path)) throw error;
  }
}

/** The command line of a running process; null when there is none of that number. */
function commandOf(pid: number): string | null {
  try {
    const line = execFileSync("ps", ["-p", String(pid), "-o", "command="], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return line.trim() || null;
  } catch (error) {
    if ((error as { status?: number }).status === 1) return null;
    // No `ps` here: Linux tells in /proc.
    const file = `/proc/${pid}/cmdline`;
    return existsSync(file) ? readFileSync(file, "utf8").replaceAll("\0", " ").trim() : null;
  }
}

/**
 * Ends a process in good order, and otherwise by force. A dead one that nobody has waited for keeps
 * its number but not its command.
 */
async function end(pid: number, command: string): Promise<void> {
  const deadline = Date.now() + ORPHAN_TIMEOUT_MS;
  const isRunning = (): boolean => commandOf(pid) === command;
  if (isRunning()) process.kill(pid, "SIGINT");
  while (isRunning() && Date.now() < deadline) await setTimeout(POLL_MS);
  if (isRunning()) process.kill(pid, "SIGKILL");
}
