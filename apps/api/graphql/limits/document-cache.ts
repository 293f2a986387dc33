const MAX_DOCUMENTS = 200;
/** A longer question is parsed each time: what is remembered has to stay small. */
const MAX_CHARACTERS = 4_000;

/** Remembers the last questions that were asked; the one unused for longest goes first. */
export class DocumentCache<T> {
  readonly #known = new Map<string, T>();

  get(question: string): T | undefined {
    const found = this.#known.get(question);
    if (found === undefined) return undefined;
    this.#known.delete(question);
    this.#known.set(question, found);
    return found;
  }

  set(question: string, value: T): void {
    if (question.length > MAX_CHARACTERS) return;
    this.#known.set(question, value);
    if (this.#known.size <= MAX_DOCUMENTS) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      return;
    }
  }
}
