import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type pg from "pg";

const SCRIPT = join(import.meta.dirname, "../../cli/replay-engine.ts");
/** The engine takes up to 5 s to end in good order. */
const STOP_TIMEOUT_MS = 7_000;
const LINES_KEPT = 5;

/** A deployment that is being built beside the live one. Both are named by their schema. */
export type RunningBuild = { client: pg.Client; builder: Builder; live: string; schema: string };

/** The engine of a replay, in a process of its own, that ends with this one. */
export class Builder {
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  #exit: string | null = null;

  /**
   * @param env the indexer's environment
   * @param schema deployment to build
   */
  constructor(schema: string, env: NodeJS.ProcessEnv) {
    this.#child = fork(SCRIPT, [schema], {
      env,
      // A session of its own: Ctrl-C reaches this process alone, which ends it in turn.
      detached: true,
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      if (stream)
        createInterface({ input: stream }).on("line", (line) => {
          if (!isChatter(line)) this.#lines.push(line);
          if (this.#lines.length > LINES_KEPT) this.#lines.shift();
        });
    this.#child.once("exit", (code, signal) => {
      this.#exit = signal ?? `exit code ${code}`;
    });
  }

  /** How it ended, and its last complaints; null while it runs. */
  get failure(): string | null {
    return this.#exit === null ? null : [this.#exit, ...this.#lines].join("\n  ");
  }

  /** Ends it, and resolves when it is gone. */
  async stop(): Promise<void> {
    if (this.#exit !== null) return;
    const gone = once(this.#child, "exit");
    const force = setTimeout(() => this.#child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    this.#child.kill("SIGTERM");
    await gone;
    clearTimeout(force);
  }
}

/** pino's level below "warn". */
function isChatter(line: string): boolean {
  return /"level":"?(10|20|30|trace|debug|info)\b/.test(line);
}
