const MAX_DOCUMENTS = 1_000;
/** A longer question is parsed each time. */
const MAX_CHARACTERS = 4_000;
/** What is remembered takes some hundred bytes for each character of a question. */
const MAX_CHARACTERS_TOGETHER = 300_000;

/** Remembers the last questions that were asked; the one unused for longest goes first. */
export class DocumentCache<T> {
  readonly #known = new Map<string, T>();
  #characters = 0;

  get(question: string): T | undefined {
    const found = this.#known.get(question);
    if (found === undefined) return undefined;
    this.#known.delete(question);
    this.#known.set(question, found);
    return found;
  }

  set(question: string, value: T): void {
    if (question.length > MAX_CHARACTERS) return;
    if (!this.#known.has(question)) this.#characters += question.length;
    this.#known.set(question, value);
    for (const oldest of this.#known.keys()) {
      const isFull = this.#known.size > MAX_DOCUMENTS || this.#characters > MAX_CHARACTERS_TOGETHER;
      if (!isFull) return;
      this.#known.delete(oldest);
      this.#characters -= oldest.length;
    }
  }
}
