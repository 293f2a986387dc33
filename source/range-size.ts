/** As many blocks as any provider answers for. */
const FIRST_BLOCKS = 64;
const MOST_BLOCKS = 100_000;
/**
 * After so many answers a larger range is tried than what was refused, for logs are not spread
 * evenly; each time that it is refused, later.
 */
const FIRST_PATIENCE = 25;
const MOST_PATIENCE = 800;

/**
 * How many blocks to ask for at once. Grows while answers are small, shrinks when there are too
 * many logs or the provider refuses, and does not run into the same limit again and again.
 */
export class RangeSize {
  readonly #most: number;
  readonly #logsWanted: number;
  #blocks: number;
  #refused = Infinity;
  #answers = 0;
  #patience = FIRST_PATIENCE;

  /**
   * @param logsWanted logs that an answer should have at the most
   * @param most blocks to ask for at the most
   */
  constructor(logsWanted: number, most = MOST_BLOCKS) {
    this.#logsWanted = logsWanted;
    this.#most = most;
    this.#blocks = Math.min(FIRST_BLOCKS, most);
  }

  get blocks(): number {
    return this.#blocks;
  }

  /** As many blocks as seem to be allowed; null while nothing was refused. */
  get limit(): number | null {
    return this.#refused === Infinity ? null : atLeastOne(Math.floor(this.#refused * 0.9));
  }

  /** So many blocks were answered for, with so many logs. */
  worked(blocks: number, logs: number): void {
    this.#answers += 1;
    if (this.#answers % this.#patience === 0) this.#refused *= 2;
    const perBlock = logs / blocks;
    const wanted = perBlock === 0 ? Infinity : Math.floor(this.#logsWanted / perBlock);
    // The last range before the end may be short: that says nothing about long ones.
    const grown = Math.max(this.#blocks, Math.min(blocks * 4, this.#blocks * 4));
    const below = this.#refused === Infinity ? Infinity : Math.floor(this.#refused * 0.9);
    this.#blocks = atLeastOne(Math.min(grown, wanted, below, this.#most));
  }

  /**
   * So many blocks were too many.
   *
   * @param allowed how many the provider says that it allows
   */
  refused(blocks: number, allowed: number | null): void {
    if (this.#refused !== Infinity) this.#patience = Math.min(MOST_PATIENCE, this.#patience * 2);
    this.#refused = Math.min(this.#refused, blocks);
    const half = Math.floor(blocks / 2);
    const wanted = allowed !== null && allowed < blocks ? allowed : half;
    if (allowed !== null && allowed < blocks) this.#refused = allowed / 0.9 + 1;
    this.#blocks = atLeastOne(Math.min(wanted, this.#most));
  }
}

function atLeastOne(blocks: number): number {
  return Math.max(1, blocks);
}
