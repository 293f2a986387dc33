/**
 * Wakes one waiter. A signal that nobody waits for is kept, so that none is lost between looking
 * and waiting; several kept ones are one.
 */
export class Signal {
  #isSet = false;
  #resolve: (() => void) | null = null;

  set(): void {
    this.#isSet = true;
    this.#resolve?.();
  }

  /** Resolves at the next signal, or after `timeoutMs` without one. */
  async wait(timeoutMs?: number): Promise<void> {
    if (!this.#isSet) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#resolve = resolve;
        if (timeoutMs !== undefined) timer = setTimeout(resolve, timeoutMs);
      });
      clearTimeout(timer);
      this.#resolve = null;
    }
    this.#isSet = false;
  }
}
