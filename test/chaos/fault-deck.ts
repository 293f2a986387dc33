import { setTimeout } from "node:timers/promises";
import type { Fault, Stage } from "./stage.ts";

const BETWEEN_MS = { min: 100, max: 800 };
const MIXTURE = 0.35;
/** Occasions that a fault gets to take effect, before the run ends without it. */
const TRIES = 4;
/** In a row, for each of them. */
const ATTEMPTS = 3;

/** Plays faults in random order, alone and two at a time, each as often as any other. */
export class FaultDeck {
  readonly counts: Map<string, number>;
  readonly #faults: Fault[];
  readonly #stage: Stage;
  readonly #timesEach: number;
  readonly #tries = new Map<string, number>();
  #deck: Fault[] = [];

  /** @param timesEach how often each fault must take effect */
  constructor(faults: Fault[], stage: Stage, timesEach: number) {
    this.#timesEach = timesEach;
    this.#faults = faults;
    this.#stage = stage;
    this.counts = new Map(faults.map(({ name }) => [name, 0]));
  }

  get injected(): number {
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Whether each fault took effect as often as wanted, or had enough occasions to. */
  get isDone(): boolean {
    return this.#faults.every(({ name }) => this.#isQuiet(name));
  }

  async play(isOver: () => boolean): Promise<void> {
    const { random } = this.#stage;
    while (!isOver() && this.#faults.length > 0) {
      const faults = [this.#draw()];
      if (random.chance(MIXTURE)) faults.push(this.#draw());
      await Promise.all(faults.map((fault) => this.#inject(fault)));
      await setTimeout(random.integer(BETWEEN_MS.min, BETWEEN_MS.max));
    }
  }

  async #inject(fault: Fault): Promise<void> {
    const { name } = fault;
    this.#tries.set(name, (this.#tries.get(name) ?? 0) + 1);
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      // Another fault may take away what this one needs: it then took no effect.
      const times = await fault.inject(this.#stage).catch(() => 0);
      this.counts.set(name, (this.counts.get(name) ?? 0) + times);
      if (times > 0) return;
      await setTimeout(BETWEEN_MS.max);
    }
  }

  #draw(): Fault {
    if (this.#deck.length === 0) {
      const left = this.#faults.filter(({ name }) => !this.#isQuiet(name));
      this.#deck = left.length > 0 ? left : [...this.#faults];
    }
    const at = this.#stage.random.integer(0, this.#deck.length - 1);
    const [fault] = this.#deck.splice(at, 1);
    if (fault === undefined) throw new Error("there are no faults");
    return fault;
  }

  #isQuiet(name: string): boolean {
    const tries = this.#tries.get(name) ?? 0;
    return (this.counts.get(name) ?? 0) >= this.#timesEach || tries >= TRIES * this.#timesEach;
  }
}
