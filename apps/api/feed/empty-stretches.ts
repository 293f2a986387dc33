/** So many filters are remembered. */
const MAX_FILTERS = 10_000;
/** Fewer offsets are read again sooner than remembered. */
const WORTH = 500;

type Stretch = { from: number; to: number };

/**
 * Remembers for each filter where nothing passes it: behind the offset `from`, up to and with `to`.
 * The journal never changes, so that stays true. A client whose filter seldom lets something through
 * comes back with an old offset each time; what was looked through for it once is not again.
 */
export class EmptyStretches {
  readonly #stretches = new Map<string, Stretch>();

  /** @returns where to go on reading for a client that has everything up to `after` */
  skip(filter: string, after: number): number {
    const known = this.#stretches.get(filter);
    return known !== undefined && known.from <= after && after < known.to ? known.to : after;
  }

  /** Nothing behind `from`, up to and with `to`, passes the filter. */
  remember(filter: string, { from, to }: Stretch): void {
    const known = this.#stretches.get(filter);
    const isOn = known !== undefined && known.from <= from && from <= known.to;
    const next = { from: isOn ? known.from : from, to };
    if (to - next.from < Math.max(WORTH, known === undefined ? 0 : known.to - known.from)) return;
    this.#stretches.delete(filter);
    this.#stretches.set(filter, next);
    const [oldest] = this.#stretches.keys();
    if (this.#stretches.size > MAX_FILTERS && oldest !== undefined) this.#stretches.delete(oldest);
  }

  /** The journal is another one. */
  clear(): void {
    this.#stretches.clear();
  }
}
