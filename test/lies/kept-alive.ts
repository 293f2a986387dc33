import { setTimeout } from "node:timers/promises";
import { ServiceProcess } from "../support/service-process.ts";

const BEFORE_START_MS = 300;
const LAST_LINES = 12;

/** A process that is started again whenever it ends by itself, as under `npm start`. */
export class KeptAlive {
  readonly #start: () => ServiceProcess;
  readonly #beforeStart: () => Promise<void>;
  #process: ServiceProcess;
  #isStopped = false;
  /** Times that it ended without being told to. */
  ended = 0;

  /** @param beforeStart clears up behind a process that is gone */
  constructor(
    command: "indexer" | "relay" | "witness",
    env: Record<string, string>,
    beforeStart: () => Promise<void> = async () => undefined,
  ) {
    this.#start = () => new ServiceProcess(command, { env });
    this.#beforeStart = beforeStart;
    this.#process = this.#start();
    void this.#watch();
  }

  get lastWords(): string {
    return this.#process.lines
      .filter((line) => !line.includes('"Indexed block"'))
      .slice(-LAST_LINES)
      .map((line) => line.slice(0, 600))
      .join("\n");
  }

  /** kill -9; it is started again at once. */
  async kill(): Promise<void> {
    this.ended -= 1;
    await this.#process.kill();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#process.stop();
  }

  async #watch(): Promise<void> {
    for (;;) {
      await this.#process.exited;
      if (this.#isStopped) return;
      this.ended += 1;
      await setTimeout(BEFORE_START_MS);
      await this.#beforeStart();
      if (this.#isStopped) return;
      this.#process = this.#start();
    }
  }
}
