/** So many blocks with logs whose bloom was exactly theirs make a chain's blooms trusted. */
const PROOFS_TO_TRUST = 20;

/**
 * Whether the blooms in a chain's headers are those of the blocks' own logs. Some chains fill them
 * with nothing, or with something else; there, a block that is skipped by its bloom is a block whose
 * logs are lost. So nothing is skipped until the blooms have shown themselves right, and never again
 * once one was proven wrong.
 *
 *   unknown ──20 blocks with logs──► trusted ──one block proven otherwise──► distrusted
 */
export class BloomTrust {
  #proofs = 0;
  #isContradicted = false;

  get state(): "unknown" | "trusted" | "distrusted" {
    if (this.#isContradicted) return "distrusted";
    return this.#proofs >= PROOFS_TO_TRUST ? "trusted" : "unknown";
  }

  /**
   * A block's logs were held against its bloom.
   *
   * @param isOwn whether the bloom is exactly theirs; when not, the logs are proven
   * @param hasLogs of an empty block the bloom proves nothing
   */
  saw(isOwn: boolean, hasLogs: boolean): void {
    if (!isOwn) this.#isContradicted = true;
    else if (hasLogs) this.#proofs += 1;
  }

  /** One was proven wrong before, by whoever remembers it. */
  distrust(): void {
    this.#isContradicted = true;
  }
}
