/**
 * Looks for many at once: everybody gets a look that began after they asked, and all who ask while one
 * is under way share the next.
 *
 *   idle ──asked──► looking ──asked meanwhile──► looking, one waits ──answered──► looking
 *    ▲                 └──answered──┐
 *    └──────────────────────────────┘
 */
export class SharedLook<T> {
  readonly #look: () => Promise<T>;
  #running: Promise<unknown> = Promise.resolve();
  #next: Promise<T> | null = null;

  constructor(look: () => Promise<T>) {
    this.#look = look;
  }

  /** @throws what the look throws, to all who share it */
  ask(): Promise<T> {
    this.#next ??= this.#afterRunning(this.#running);
    return this.#next;
  }

  async #afterRunning(running: Promise<unknown>): Promise<T> {
    // Also when nothing runs: whoever asks in the same turn of the event loop has a part in it.
    await running.catch(() => undefined);
    const looking = this.#look();
    this.#running = looking;
    this.#next = null;
    return await looking;
  }
}
