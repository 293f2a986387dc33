import type { EventRow } from "../../src/events/event-row.ts";
import type { AuditedStore } from "./audited-store.ts";

/** Hands out a chain's events window by window, reading the store once from end to end. */
export class StoreCursor {
  readonly #rows: AsyncGenerator<EventRow>;
  #next: EventRow | null = null;

  constructor(store: AuditedStore, chainId: number, from: number, to: number) {
    this.#rows = store.rows(chainId, from, to);
  }

  /** The rows up to a block that were not handed out yet. */
  async *upTo(block: number): AsyncGenerator<EventRow> {
    for (;;) {
      this.#next ??= (await this.#rows.next()).value ?? null;
      if (this.#next === null || Number(this.#next.block_number) > block) return;
      yield this.#next;
      this.#next = null;
    }
  }

  /** Ends the reading before its end. */
  async close(): Promise<void> {
    await this.#rows.return(undefined);
  }
}
