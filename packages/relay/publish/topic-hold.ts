import type { Logger } from "pino";
import { type Backoff, backoffMs } from "../backoff.ts";

export type TopicHoldOptions = {
  recheck: () => Promise<unknown>;
  onReleased: () => void;
  backoff: Backoff;
  log: Logger;
};

/**
 * Holds a topic's messages back while the topic itself refuses them: missing, no permission. Each
 * time in a row it waits longer, and checks the topic before it lets go.
 */
export class TopicHold {
  readonly #options: TopicHoldOptions;
  #refusals = 0;
  #isHeld = false;

  constructor(options: TopicHoldOptions) {
    this.#options = options;
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
    const waitMs = backoffMs(this.#options.backoff, this.#refusals);
    this.#options.log.error(
      { event: "topic.refused", ...context, waitMs },
      "the topic cannot be published to; trying again later",
    );
    setTimeout(() => void this.#release(), waitMs).unref();
  }

  async #release(): Promise<void> {
    try {
      await this.#options.recheck();
      this.#isHeld = false;
      this.#options.onReleased();
    } catch (error) {
      this.#isHeld = false;
      this.hold({ err: error });
    }
  }
}
