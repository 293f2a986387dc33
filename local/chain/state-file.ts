import {
  copyFileSync,
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { gunzipSync } from "node:zlib";
import type { Hex } from "viem";

/**
 * Keeps a saved chain whole, whatever is killed and when.
 *
 * anvil rewrites its dump in place, so a kill in the middle leaves half a file. Therefore anvil
 * dumps to a side file, and only a finished dump takes the state file's name: a dump counts as
 * finished when it is unchanged for one check interval and also unchanged while it was copied.
 */
export class StateFile {
  readonly path: string;
  readonly dumpPath: string;
  readonly dumpIntervalSeconds: number;
  #timer: NodeJS.Timeout | undefined;
  #lastSeen = "";
  #lastKept = "";

  constructor(path: string, dumpIntervalSeconds: number) {
    this.path = path;
    this.dumpIntervalSeconds = dumpIntervalSeconds;
    this.dumpPath = `${path}.dump`;
    // anvil says nothing when the folder is missing: it would just never save.
    mkdirSync(dirname(path), { recursive: true });
    rmSync(this.dumpPath, { force: true });
  }

  exists(): boolean {
    return existsSync(this.path);
  }

  /** Keeps a chain as `anvil_dumpState` gives it: gzipped, in hexadecimal. */
  write(dump: Hex): void {
    const copy = `${this.path}.copy`;
    writeFileSync(copy, gunzipSync(Buffer.from(dump.slice(2), "hex")));
    renameSync(copy, this.path);
  }

  startKeeping(): void {
    // Often enough to see each dump unchanged before the next one begins.
    const checkIntervalMs = this.dumpIntervalSeconds * 250;
    this.#timer = setInterval(() => this.#keepIfFinished(), checkIntervalMs);
    this.#timer.unref();
  }

  /** Call after anvil has exited. `clean` means it exited by itself, so its last dump is whole. */
  finish(clean: boolean): void {
    clearInterval(this.#timer);
    if (clean && existsSync(this.dumpPath)) renameSync(this.dumpPath, this.path);
    rmSync(this.dumpPath, { force: true });
  }

  #keepIfFinished(): void {
    const now = this.#fingerprint();
    const finished = now !== "" && now === this.#lastSeen && now !== this.#lastKept;
    this.#lastSeen = now;
    if (!finished) return;

    const copy = `${this.path}.copy`;
    copyFileSync(this.dumpPath, copy);
    if (this.#fingerprint() !== now) return;
    renameSync(copy, this.path);
    this.#lastKept = now;
  }

  #fingerprint(): string {
    const stat = statSync(this.dumpPath, { throwIfNoEntry: false });
    return stat && stat.size > 0 ? `${stat.mtimeMs}:${stat.size}` : "";
  }
}
