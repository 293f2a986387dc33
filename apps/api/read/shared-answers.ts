import type { Asker, ConsistentReads, ReadResult, Snapshot } from "./consistent-reads.ts";
import type { Progress } from "./progress.ts";
import { unlessAborted } from "./unless-aborted.ts";

/** What is asked. Of one name and one state there is one answer. */
export type Asked = { name: string; stateOf: (progress: Progress) => string };

/** Without a text it is only known to have been asked. */
type Kept = { state: string; text: string | null };

/** A longer answer is made each time. */
const MAX_CHARACTERS = 256 * 1_024;

/**
 * Gives everybody who asks the same the same answer while nothing has changed: made once, also for
 * those who ask while it is made, and from its second time on kept until the state is another one:
 * most questions are asked once. The one not asked for longest goes first when there are too many.
 */
export class SharedAnswers {
  readonly #reads: ConsistentReads;
  readonly #maxCharacters: number;
  readonly #kept = new Map<string, Kept>();
  readonly #making = new Map<string, Promise<ReadResult<string | null>>>();
  #characters = 0;

  constructor(reads: ConsistentReads, maxCharacters: number) {
    this.#reads = reads;
    this.#maxCharacters = maxCharacters;
  }

  /**
   * @param make makes the answer; null is answered to this asker alone
   * @throws what `ConsistentReads.run` throws
   */
  async answer(
    asker: Asker,
    asked: Asked,
    make: (snapshot: Snapshot) => Promise<string | null>,
  ): Promise<ReadResult<string | null>> {
    const look = await this.#reads.look(asker);
    const state = asked.stateOf(look.progress);
    const kept = this.#get(asked.name);
    if (kept?.state === state && kept.text !== null)
      return { answer: kept.text, progress: look.progress };
    const key = `${state}\n${asked.name}`;
    const making = this.#making.get(key);
    if (making !== undefined) {
      if (kept === undefined) this.#keep(asked.name, { state, text: null });
      // Whoever asked first may have left; then it is made again.
      const shared = await unlessAborted(making, asker.signal).catch(() => null);
      asker.signal.throwIfAborted();
      if (shared?.answer != null && asked.stateOf(shared.progress) === state)
        return { answer: shared.answer, progress: look.progress };
    }
    const made = this.#reads.run(asker, make, look);
    this.#making.set(key, made);
    try {
      const { answer, progress } = await made;
      if (answer !== null)
        this.#keep(asked.name, {
          state: asked.stateOf(progress),
          text: this.#kept.has(asked.name) ? answer : null,
        });
      return { answer, progress };
    } finally {
      if (this.#making.get(key) === made) this.#making.delete(key);
    }
  }

  #get(name: string): Kept | undefined {
    const kept = this.#kept.get(name);
    if (kept === undefined) return undefined;
    this.#kept.delete(name);
    this.#kept.set(name, kept);
    return kept;
  }

  #keep(name: string, kept: Kept): void {
    const characters = charactersOf(name, kept);
    if (characters > MAX_CHARACTERS) return;
    this.#forget(name);
    this.#kept.set(name, kept);
    this.#characters += characters;
    for (const oldest of this.#kept.keys()) {
      if (this.#characters <= this.#maxCharacters) return;
      this.#forget(oldest);
    }
  }

  #forget(name: string): void {
    const kept = this.#kept.get(name);
    if (kept === undefined) return;
    this.#kept.delete(name);
    this.#characters -= charactersOf(name, kept);
  }
}

function charactersOf(name: string, { text }: Kept): number {
  return name.length + (text?.length ?? 0);
}
