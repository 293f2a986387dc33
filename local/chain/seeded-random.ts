import { createHash } from "node:crypto";

/**
 * A reproducible source of choices: the same seed gives the same sequence on every machine.
 *
 * Counter mode over SHA-256, so nearby seeds have nothing in common. Not for secrets.
 */
export class SeededRandom {
  readonly #seed: string;
  #counter = 0;

  constructor(seed: string) {
    this.#seed = seed;
  }

  /** 32 bytes as hex, for instance a CREATE2 salt. */
  bytes32(): `0x${string}` {
    return `0x${this.#block().toString("hex")}`;
  }

  /** An integer from `min` to `max`, both included. */
  integer(min: number, max: number): number {
    return min + (this.#block().readUIntBE(0, 6) % (max - min + 1));
  }

  /** True with the given probability, 0 to 1. */
  chance(probability: number): boolean {
    return this.integer(0, 999_999) < probability * 1_000_000;
  }

  /** @throws When the list is empty. */
  pick<T>(list: readonly T[]): T {
    const picked = list[this.integer(0, list.length - 1)];
    if (picked === undefined) throw new Error("Nothing to pick from");
    return picked;
  }

  /** One of the keys, each as likely as its weight says. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K {
    const entries = Object.entries<number>(weights) as [K, number][];
    let roll = this.integer(
      1,
      Math.max(
        1,
        entries.reduce((sum, [, weight]) => sum + weight, 0),
      ),
    );
    for (const [key, weight] of entries) {
      roll -= weight;
      if (roll <= 0) return key;
    }
    throw new Error("All weights are zero");
  }

  #block(): Buffer {
    return createHash("sha256")
      .update(`${this.#seed}/${this.#counter++}`)
      .digest();
  }
}
