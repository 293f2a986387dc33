import { EXIT_RETRY } from "../../config/error-catalogue.ts";
import { type Exit, ServiceProcess } from "../support/service-process.ts";

const LAST_LINES = 30;
const LINE_LENGTH = 600;

/**
 * The engine or the relay, which dies and starts again many times in the course of the suite. When
 * it ends by itself and says that a new start may help, it gets one, as from any supervisor.
 */
export class RestartableService {
  readonly #command: "indexer" | "relay";
  readonly #env: Record<string, string>;
  readonly #afterKill: () => Promise<void>;
  #process: ServiceProcess | null = null;
  #exit: Exit | null = null;
  #starts = 0;

  /** @param afterKill what to clear up behind a process that had no time to do it */
  constructor(
    command: "indexer" | "relay",
    env: Record<string, string>,
    afterKill: () => Promise<void> = async () => undefined,
  ) {
    this.#command = command;
    this.#env = { ...env };
    this.#afterKill = afterKill;
  }

  get restarts(): number {
    return Math.max(0, this.#starts - 1);
  }

  get isRunning(): boolean {
    return this.#process !== null && this.#exit === null;
  }

  /** How it ended by itself; null while it runs, and after a signal. */
  get exitCode(): number | null {
    return this.#exit?.code ?? null;
  }

  /** The last lines it printed, and how it ended if it did. */
  get lastWords(): string {
    const exit = this.#exit === null ? "running" : `ended: ${JSON.stringify(this.#exit)}`;
    const lines = this.#process?.lines.slice(-LAST_LINES) ?? [];
    return [...lines.map((line) => line.slice(0, LINE_LENGTH)), exit].join("\n");
  }

  /** @param other variables that differ from now on */
  start(other: Record<string, string> = {}): void {
    Object.assign(this.#env, other);
    const process = new ServiceProcess(this.#command, { env: this.#env });
    this.#starts += 1;
    this.#process = process;
    this.#exit = null;
    void process.exited.then(async (exit) => {
      if (this.#process !== process) return;
      this.#exit = exit;
      if (exit.code !== EXIT_RETRY) return;
      await this.#afterKill();
      if (this.#process === process) this.start();
    });
  }

  /** kill -9. */
  async kill(): Promise<void> {
    const process = this.#process;
    this.#process = null;
    await process?.kill();
    await this.#afterKill();
  }

  /** In good order. */
  async stop(): Promise<void> {
    const process = this.#process;
    this.#process = null;
    await process?.stop();
    await this.#afterKill();
  }
}
