import { type Exit, ServiceProcess } from "../support/service-process.ts";

/** The engine or the relay, which dies and starts again many times in the course of the suite. */
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
    this.#env = env;
    this.#afterKill = afterKill;
  }

  get restarts(): number {
    return Math.max(0, this.#starts - 1);
  }

  get isRunning(): boolean {
    return this.#process !== null && this.#exit === null;
  }

  /** The last lines it printed, and how it ended if it did. */
  get lastWords(): string {
    const exit = this.#exit === null ? "running" : `ended: ${JSON.stringify(this.#exit)}`;
    return [...(this.#process?.lines.slice(-40) ?? []), exit].join("\n");
  }

  start(): void {
    const process = new ServiceProcess(this.#command, { env: this.#env });
    this.#starts += 1;
    this.#process = process;
    this.#exit = null;
    void process.exited.then((exit) => {
      if (this.#process === process) this.#exit = exit;
    });
  }

  /** kill -9. */
  async kill(): Promise<void> {
    await this.#process?.kill();
    await this.#afterKill();
  }

  /** In good order. */
  async stop(): Promise<void> {
    await this.#process?.stop();
  }
}
