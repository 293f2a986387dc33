import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { EXIT_CONFIG } from "../config/error-catalogue.ts";
import type { StartMessage } from "./await-start.ts";

export type SupervisedOptions = {
  name: string;
  /** Script and its arguments, for Node. */
  args: string[];
  env: NodeJS.ProcessEnv;
  /** What `prepare` loads: a module that starts nothing. */
  preload?: string;
  /** Gets every line that the process prints. */
  onLine: (line: string) => void;
  /** Told when it ended by itself and is started again after `waitMs`. */
  onRestart: (exit: string, waitMs: number) => void;
  /** Told when starting again is useless. */
  onGivenUp: (exit: string) => void;
  /** Gets every message that the process sends. */
  onMessage?: (message: unknown) => void;
  /** What to clear up whenever the process is gone, before it is started again. */
  afterExit?: () => Promise<void>;
};

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
/** After so long a process counts as healthy: its next failure is its first. */
const HEALTHY_MS = 60_000;
const GIVE_UP_AFTER = 8;
const STOP_TIMEOUT_MS = 20_000;
const AWAIT_START = pathToFileURL(join(import.meta.dirname, "await-start.ts")).href;

/**
 * A process that is kept running.
 *
 *   (preparing ──►) running ──ended by itself──► waiting ──► running …
 *                     │                            └── config error, or too many failures in a row ──► given up
 *                     └──stop──► stopped
 *
 * It lives in a session of its own, so that Ctrl-C reaches the supervisor alone, and ends by itself
 * when the supervisor is gone (`endWithParent`).
 */
export class SupervisedProcess {
  readonly #options: SupervisedOptions;
  #env: NodeJS.ProcessEnv;
  #child: ChildProcess | null = null;
  #isWaiting = false;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  #stopping = false;

  constructor(options: SupervisedOptions) {
    this.#options = options;
    this.#env = options.env;
  }

  /** Starts it before all of its environment is known: it loads its modules, and waits for `start`. */
  prepare(): void {
    this.#isWaiting = true;
    this.#spawn(["--import", AWAIT_START], { AWAIT_START: this.#options.preload ?? "" });
  }

  /** @param more what the environment was waiting for */
  start(more: Record<string, string> = {}): void {
    this.#env = { ...this.#env, ...more };
    const isPrepared = this.#isWaiting && this.#child?.connected;
    this.#isWaiting = false;
    if (isPrepared) this.#child?.send({ env: more } satisfies StartMessage, () => undefined);
    else this.#spawn();
  }

  #spawn(flags: string[] = [], more: NodeJS.ProcessEnv = {}): void {
    const startedAt = Date.now();
    const child = spawn(process.execPath, [...flags, ...this.#options.args], {
      env: { ...this.#env, ...more },
      detached: true,
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      if (stream) createInterface({ input: stream }).on("line", this.#options.onLine);
    if (this.#options.onMessage) child.on("message", this.#options.onMessage);
    child.once("exit", (code, signal) => this.#onExit(code, signal, Date.now() - startedAt));
  }

  /** Process id while it runs. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Ends it in good order, by force after a while, and resolves when it is gone. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#timer);
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    const force = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    child.kill("SIGTERM");
    await gone;
    clearTimeout(force);
    await this.#options.afterExit?.();
  }

  /** Ends it at once, and does not start it again. */
  kill(): void {
    this.#stopping = true;
    clearTimeout(this.#timer);
    this.#child?.kill("SIGKILL");
  }

  #onExit(code: number | null, signal: NodeJS.Signals | null, livedMs: number): void {
    if (this.#stopping) return;
    if (this.#isWaiting) {
      // `start` begins again without what was prepared.
      this.#isWaiting = false;
      return;
    }
    const exit = signal ?? `exit code ${code}`;
    this.#failures = livedMs > HEALTHY_MS ? 1 : this.#failures + 1;
    if (code === EXIT_CONFIG || this.#failures >= GIVE_UP_AFTER) {
      this.#options.onGivenUp(exit);
      return;
    }
    const waitMs = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (this.#failures - 1));
    this.#options.onRestart(exit, waitMs);
    this.#timer = setTimeout(() => void this.#startAgain(), waitMs);
  }

  async #startAgain(): Promise<void> {
    await this.#options.afterExit?.();
    if (!this.#stopping) this.start();
  }
}
