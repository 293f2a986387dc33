import type { Difference } from "./witness-records.ts";

/**
 * What was seen to differ, look after look. After a restart the engine reverts rows for seconds: what
 * one look misses the next one may have. So a difference counts when it was there in several looks
 * in a row, at different times.
 */
export class DifferenceLooks {
  readonly #looks: number;
  #seen = new Map<string, number>();

  /** @param looks in how many in a row it has to be there */
  constructor(looks: number) {
    this.#looks = looks;
  }

  /** @returns those of them that count */
  saw<T extends Difference>(differences: readonly T[]): T[] {
    const before = this.#seen;
    this.#seen = new Map(
      differences.map((each) => [keyOf(each), (before.get(keyOf(each)) ?? 0) + 1]),
    );
    return differences.filter((each) => (this.#seen.get(keyOf(each)) ?? 0) >= this.#looks);
  }

  /** What counted does so no more: the event stores of two deployments differ in their own ways. */
  forget(): void {
    this.#seen.clear();
  }
}

function keyOf({ kind, eventId }: Difference): string {
  return `${kind} ${eventId}`;
}
