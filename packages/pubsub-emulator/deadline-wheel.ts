const TICK_MS = 50;

/**
 * Many deadlines on one timer: setting, moving and clearing one is O(1), whatever their number.
 * An item expires at the first tick (50 ms) at or after its deadline, never before it.
 */
export class DeadlineWheel<T> {
  readonly #expire: (items: T[]) => void;
  readonly #slots = new Map<number, Set<T>>();
  readonly #slotOf = new Map<T, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(expire: (items: T[]) => void) {
    this.#expire = expire;
  }

  /** Sets or moves the deadline of `item` to `timeMs` (as of Date.now). */
  set(item: T, timeMs: number): void {
    this.clear(item);
    const slot = Math.ceil(timeMs / TICK_MS);
    const items = this.#slots.get(slot);
    if (items === undefined) this.#slots.set(slot, new Set([item]));
    else items.add(item);
    this.#slotOf.set(item, slot);
    this.#timer ??= setTimeout(() => this.#tick(), TICK_MS).unref();
  }

  clear(item: T): void {
    const slot = this.#slotOf.get(item);
    if (slot === undefined) return;
    this.#slotOf.delete(item);
    const items = this.#slots.get(slot);
    items?.delete(item);
    if (items?.size === 0) this.#slots.delete(slot);
  }

  /** Forgets all items and stops the timer. */
  clearAll(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#slots.clear();
    this.#slotOf.clear();
  }

  #tick(): void {
    this.#timer = undefined;
    const now = Math.floor(Date.now() / TICK_MS);
    const due: T[] = [];
    for (const [slot, items] of this.#slots) {
      if (slot > now) continue;
      due.push(...items);
      this.#slots.delete(slot);
    }
    for (const item of due) this.#slotOf.delete(item);
    if (due.length > 0) this.#expire(due);
    if (this.#slots.size > 0) this.#timer ??= setTimeout(() => this.#tick(), TICK_MS).unref();
  }
}
