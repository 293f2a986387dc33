import { Problem } from "../problem.ts";

type Waiter = { enter(): void };

export type FairQueueOptions = {
  /** So many are in at once. */
  atOnce: number;
  /** So many wait, of all clients and of one. */
  waiting: number;
  waitingPerClient: number;
  /** Nobody waits longer, in milliseconds. */
  longestMs: number;
};

/**
 * Lets a bounded number in at once. Who has to wait waits in the line of their client, and the lines
 * take turns: a client with a thousand requests holds up another one's by one.
 */
export class FairQueue {
  readonly #options: FairQueueOptions;
  readonly #lines = new Map<string, Set<Waiter>>();
  #inside = 0;
  #waiting = 0;

  constructor(options: FairQueueOptions) {
    this.#options = options;
  }

  get inside(): number {
    return this.#inside;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /**
   * @returns what has to be called when done
   * @throws Problem ES-BUSY when too many wait, or it takes too long; the signal's reason
   */
  async enter(client: string, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#inside < this.#options.atOnce) this.#inside += 1;
    else await this.#wait(client, signal);
    let isInside = true;
    return () => {
      if (isInside) this.#leave();
      isInside = false;
    };
  }

  async #wait(client: string, signal: AbortSignal): Promise<void> {
    const { waiting, waitingPerClient, longestMs } = this.#options;
    const line = this.#lines.get(client) ?? new Set<Waiter>();
    if (this.#waiting >= waiting || line.size >= waitingPerClient) throw busy();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: Waiter = { enter: resolve };
    line.add(waiter);
    this.#lines.set(client, line);
    this.#waiting += 1;
    const giveUp = (error: Error): void => {
      if (!line.delete(waiter)) return;
      this.#waiting -= 1;
      if (line.size === 0) this.#lines.delete(client);
      reject(error);
    };
    const onAbort = (): void => giveUp(signal.reason);
    const timer = setTimeout(() => giveUp(busy()), longestMs);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** The next of the line whose turn it is comes in for the one who leaves. */
  #leave(): void {
    for (const [client, line] of this.#lines) {
      const [waiter] = line;
      if (waiter === undefined) continue;
      line.delete(waiter);
      this.#waiting -= 1;
      this.#lines.delete(client);
      if (line.size > 0) this.#lines.set(client, line);
      waiter.enter();
      return;
    }
    this.#inside -= 1;
  }
}

function busy(): Problem {
  return new Problem("ES-BUSY", "Too many requests wait already.");
}
