import { GraphQLError } from "graphql";

/** So many changes wait for a subscriber at most; who is slower than that has to subscribe again. */
const MAX_WAITING = 1_000;

/** What waits for one subscriber, in order. Ends when they leave, or fail to keep up. */
export class ChangeQueue<T> implements AsyncIterableIterator<T> {
  readonly #waiting: T[] = [];
  readonly #onEnd: () => void;
  #isOver = false;
  #wake: (() => void) | null = null;
  #error: Error | null = null;

  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  push(change: T): void {
    if (this.#isOver) return;
    if (this.#waiting.length >= MAX_WAITING) {
      this.#waiting.length = 0;
      this.fail(
        new GraphQLError("the changes came faster than they were taken: subscribe again", {
          extensions: { code: "ES-BUSY" },
        }),
      );
      return;
    }
    this.#waiting.push(change);
    this.#wake?.();
  }

  /** Ends it with an error, behind what waits. */
  fail(error: Error): void {
    this.#error = error;
    this.#end();
  }

  async next(): Promise<IteratorResult<T>> {
    for (;;) {
      const [change] = this.#waiting.splice(0, 1);
      if (change !== undefined) return { value: change, done: false };
      const error = this.#error;
      this.#error = null;
      if (error !== null) throw error;
      if (this.#isOver) return { value: undefined, done: true };
      await new Promise<void>((wake) => {
        this.#wake = wake;
      });
    }
  }

  async return(): Promise<IteratorResult<T>> {
    this.#waiting.length = 0;
    this.#end();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #end(): void {
    if (!this.#isOver) this.#onEnd();
    this.#isOver = true;
    this.#wake?.();
  }
}
