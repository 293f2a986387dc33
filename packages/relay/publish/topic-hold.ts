import type { Logger } from "pino";
import { type Backoff, backoffMs } from "../backoff.ts";

/**
 * Holds a topic's messages back while the topic itself refuses them: missing, no permission. Each
 * time in a row it waits longer, and checks the topic before it lets go.
 */
export class TopicHold {
  readonly #recheck: () => Promise<unknown>;
  readonly #onReleased: () => void;
  readonly #backoff: Backoff;
  readonly #log: Logger;
  #refusals = 0;
  #isHeld = false;

  constructor(
    recheck: () => Promise<unknown>,
    onReleased: () => void,
    backoff: Backoff,
    log: Logger,
  ) {
    this.#recheck = recheck;
    this.#onReleased = onReleased;
    this.#backoff = backoff;
    this.#log = log;
  }

  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** Something went through: the next refusal is a first one. */
  forget(): void {
    this.#refusals = 0;
  }

  /** @param context what was refused, and how, for the log */
  hold(context: object): void {
    if (this.#isHeld) return;
    this.#isHeld = true;
    this.#refusals += 1;
    const waitMs = backoffMs(this.#backoff, this.#refusals);
    this.#log.error({ ...context, waitMs }, "the topic cannot be published to; trying again later");
    setTimeout(() => void this.#release(), waitMs).unref();
  }

  async #release(): Promise<void> {
    try {
      await this.#recheck();
      this.#isHeld = false;
      this.#onReleased();
    } catch (error) {
      this.#isHeld = false;
      this.hold({ err: error });
    }
  }
}
